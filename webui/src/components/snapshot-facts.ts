// Small rules of snapshots that dialogs share; the server checks all of them again.
import { texts } from "../text";
import { parseTime } from "./age";

const words = texts.snapshots.create;

/** How "never" is written on the wire. */
export const NEVER = "0001-01-01T00:00:00Z";

export const isSnapshotName = (name: string): boolean => /^[^\s/?&+]{1,255}$/.test(name) && name !== "." && name !== "..";

/** Why a new snapshot can't be called so; an empty name leaves it to the server. */
export function problemOf(name: string, others: { name: string }[]): string | undefined {
  if (name !== "" && !isSnapshotName(name)) return words.badName;
  return others.some((each) => each.name === name) ? words.takenName : undefined;
}

/** The instant that a field of date and time shows; undefined while it isn't filled in. */
export function isoOfLocal(local: string): string | undefined {
  const time = local === "" ? Number.NaN : Date.parse(local);
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
}

/** What a field of date and time must hold to show an instant. */
export function localOfIso(iso: string | null | undefined): string {
  const time = parseTime(iso);
  if (time === undefined) return "";
  const shifted = new Date(time - new Date(time).getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}

/** The names of what differs between two maps. */
export function differingKeys(before: Record<string, unknown>, after: Record<string, unknown>): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name])).sort();
}

/** A length of time such as "2d" or "1m 3d". */
export const isSpan = (text: string): boolean => /^\d+\s*[SMHdwmy](\s+\d+\s*[SMHdwmy])*$/.test(text.trim());
