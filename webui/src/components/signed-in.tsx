// Lets only those see the pages whom the server knows; tells the others how to sign in.
import type { ReactNode } from "react";
import { ApiError } from "../api/client";
import { useSession } from "../api/resources/server";
import { texts } from "../text";
import { CommandLine } from "./command-line";
import { ErrorNote } from "./error-note";
import { Loading } from "./loaded";
import { Toasts } from "./toasts";

/** Tell whether the answer means that the server doesn't know this browser. */
const isStranger = (error: unknown): boolean => error instanceof ApiError && [401, 403].includes(error.status);

export function SignedIn({ children }: { children: ReactNode }) {
  const session = useSession();
  if (session.isError && isStranger(session.error)) return <NotSignedIn />;
  if (session.data !== undefined) return <>{children}</>;
  if (session.isError) {
    return (
      <main className="lonely" id="main">
        <ErrorNote error={session.error} title={texts.error.loading} onRetry={() => void session.refetch()} />
      </main>
    );
  }
  return (
    <main className="lonely" id="main">
      <Loading />
    </main>
  );
}

function NotSignedIn() {
  return (
    <main className="lonely" id="main">
      <h1 className="p-heading--3">{texts.error.notSignedIn}</h1>
      <p>{texts.error.notSignedInHelp}</p>
      <CommandLine command="holdfast ui" label={texts.error.notSignedInCommand} />
      <Toasts />
    </main>
  );
}
