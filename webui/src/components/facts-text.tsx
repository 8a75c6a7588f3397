// What an operation tells of its outcome, as lines of "key: value"; lists and maps indented.

import { formatBytes } from "./bytes";

function lines(value: unknown, indent: string): string[] {
  if (Array.isArray(value)) return value.flatMap((each) => nested("-", each, indent));
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([key, each]) => nested(`${key}:`, each, indent));
  }
  return String(value)
    .split("\n")
    .map((line) => `${indent}${line}`);
}

const SIZES = /^(size|.*_?bytes):$/;

/** A size is said in its unit as well: nobody reads nine digits. */
function withUnit(head: string, value: unknown): string {
  return typeof value === "number" && value >= 1024 && SIZES.test(head) ? `${value} (${formatBytes(value)})` : String(value);
}

function nested(head: string, value: unknown, indent: string): string[] {
  const isPlain = (typeof value !== "object" || value === null) && !String(value).includes("\n");
  if (isPlain) return [`${indent}${head} ${withUnit(head, value)}`];
  return [`${indent}${head}`, ...lines(value, `${indent}  `)];
}

/** What stands in an operation's metadata besides its progress; undefined when that is nothing. */
export function outcomeOf(metadata: Record<string, unknown> | null | undefined): Record<string, unknown> | undefined {
  const entries = Object.entries(metadata ?? {}).filter(([key]) => !key.endsWith("progress") && key !== "fds");
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

export function FactsText({ facts, label }: { facts: unknown; label: string }) {
  return (
    // What scrolls must be reachable by keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <pre className="log" tabIndex={0} role="region" aria-label={label}>
      {lines(facts, "").join("\n")}
    </pre>
  );
}
