// What only those see who may do everything; the others are told so.
import type { ReactNode } from "react";
import { useSession } from "../api/resources/server";
import { texts } from "../text";

export function useFullAccess(): boolean {
  const session = useSession();
  return session.data?.access === "full";
}

export function FullAccess({ children }: { children: ReactNode }) {
  return useFullAccess() ? <>{children}</> : <p className="table-empty">{texts.layout.fullAccessOnly}</p>;
}
