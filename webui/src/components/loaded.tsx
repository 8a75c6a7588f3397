// Shows what a query has read; while it loads says so, and when it fails why.
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { texts } from "../text";
import { ErrorNote } from "./error-note";

interface LoadedProps<T> {
  query: UseQueryResult<T>;
  children: (data: T) => ReactNode;
}

export function Loaded<T>({ query, children }: LoadedProps<T>) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.isError) {
    return <ErrorNote error={query.error} title={texts.error.loading} onRetry={() => void query.refetch()} />;
  }
  return <Loading />;
}

export function Loading() {
  return (
    <p className="loading">
      <i className="p-icon--spinner u-animation--spin" /> {texts.loading}
    </p>
  );
}
