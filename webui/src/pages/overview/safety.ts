// What is known of how safe each instance and volume is, put together from lists that the server makes cheaply. Pure.
import type { ProtectedCopy, Protection } from "../../api/resources/protections";
import type { Safety } from "../../api/resources/safety";
import type { SnapshotSchedule } from "../../api/resources/snapshots";
import { parseTime } from "../../components/age";
import { instanceAddress, volumeAddress } from "../../components/project";
import { texts } from "../../text";

export type SafetyState = keyof typeof texts.overview.states;

export interface PulledCopy {
  protection: Protection;
  copy: ProtectedCopy;
}

export interface Subject {
  safety: Safety;
  /** As it is called for people: a volume with its pool. */
  name: string;
  schedules: SnapshotSchedule[];
  /** When this is itself a copy of another server's instance. */
  pulled: PulledCopy | undefined;
  state: SafetyState;
}

/** The worst first. */
export const STATES: readonly SafetyState[] = ["failing", "late", "unprotected", "waiting", "stopped", "paused", "ok"];
/** A run that is due begins within seconds; this long after, something is wrong. */
const OVERDUE_MS = 10 * 60_000;

export const isOverdue = (schedule: SnapshotSchedule, now: number): boolean =>
  (parseTime(schedule.next_at) ?? now) < now - OVERDUE_MS;

function stateOf(schedules: SnapshotSchedule[], pulled: PulledCopy | undefined, now: number): SafetyState {
  if (pulled !== undefined) {
    if (pulled.copy.late) return "late";
    if (pulled.copy.error !== "") return "failing";
    return pulled.protection.paused ? "paused" : "ok";
  }
  if (schedules.length === 0) return "unprotected";
  if (schedules.some((each) => each.status === "failing")) return "failing";
  if (schedules.some((each) => isOverdue(each, now))) return "late";
  if (schedules.every((each) => each.status === "stopped" || each.status === "never")) return "stopped";
  return schedules.some((each) => each.status === "ok") ? "ok" : "waiting";
}

/** All copies that protections keep, by project and name here. */
function pulledCopies(protections: Protection[]): Map<string, PulledCopy> {
  const pairs = protections.flatMap((protection) =>
    protection.copies.map((copy): [string, PulledCopy] => [
      `${protection.target_project}/${copy.instance}`,
      { protection, copy },
    ]),
  );
  return new Map(pairs);
}

const keyOf = (type: string, project: string, name: string): string => `${type} ${project} ${name}`;

/** Join what the lists say, the worst first. */
export function subjectsOf(
  safeties: Safety[],
  schedules: SnapshotSchedule[],
  protections: Protection[],
  now: number,
): Subject[] {
  const pulledBy = pulledCopies(protections);
  const schedulesOf = new Map<string, SnapshotSchedule[]>();
  for (const schedule of schedules) {
    const key = keyOf(schedule.type, schedule.project, schedule.name);
    schedulesOf.set(key, [...(schedulesOf.get(key) ?? []), schedule]);
  }
  return safeties
    .map((safety) => {
      const isVolume = safety.type === "volume";
      const name = isVolume ? `${safety.pool}/${safety.name}` : safety.name;
      const own = schedulesOf.get(keyOf(safety.type, safety.project, name)) ?? [];
      const pulled = isVolume ? undefined : pulledBy.get(`${safety.project}/${safety.name}`);
      return { safety, name, schedules: own, pulled, state: stateOf(own, pulled, now) };
    })
    .sort((a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state) || a.name.localeCompare(b.name));
}

/** Where its page is. */
export function addressOf({ safety: { type, pool, name, project } }: Subject, tab = ""): string {
  return type === "volume" ? volumeAddress(pool, name, project, tab) : instanceAddress(name, project, tab);
}
