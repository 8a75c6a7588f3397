// What is known of how safe each instance and volume is, put together from schedules and protections. Pure.
import type { Instance } from "../../api/resources/instances";
import type { ProtectedCopy, Protection } from "../../api/resources/protections";
import type { SnapshotSchedule } from "../../api/resources/snapshots";
import type { ListedVolume } from "../../api/resources/volumes";
import { parseTime } from "../../components/age";
import { texts } from "../../text";

export type SafetyState = keyof typeof texts.overview.states;

export interface PulledCopy {
  protection: Protection;
  copy: ProtectedCopy;
}

export interface Subject {
  kind: "instance" | "volume";
  project: string;
  /** Of a volume. */
  pool: string;
  name: string;
  schedules: SnapshotSchedule[];
  /** When this is itself a copy of another server's instance. */
  pulled: PulledCopy | undefined;
  /** Of a volume: what the list told; instances are asked one by one. */
  newestSnapshot: string | undefined;
  state: SafetyState;
}

/** The worst first. */
export const STATES: readonly SafetyState[] = ["failing", "late", "unprotected", "waiting", "stopped", "paused", "ok"];
/** A run that is due begins within seconds; this long after, something is wrong. */
const OVERDUE_MS = 10 * 60_000;

export const subjectName = (subject: Pick<Subject, "kind" | "pool" | "name">): string =>
  subject.kind === "volume" ? `${subject.pool}/${subject.name}` : subject.name;

export const isOverdue = (schedule: SnapshotSchedule, now: number): boolean =>
  (parseTime(schedule.next_at) ?? now) < now - OVERDUE_MS;

/** A copy that came over late, or that the last try didn't bring. */
export const isCopyBad = ({ copy }: PulledCopy): boolean => copy.late || copy.error !== "";

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

export interface Facts {
  instances: Instance[];
  volumes: ListedVolume[];
  schedules: SnapshotSchedule[];
  protections: Protection[];
}

/** All copies that protections keep, by project and name here. */
export function pulledCopies(protections: Protection[]): Map<string, PulledCopy> {
  const pairs = protections.flatMap((protection) =>
    protection.copies.map((copy): [string, PulledCopy] => [
      `${protection.target_project}/${copy.instance}`,
      { protection, copy },
    ]),
  );
  return new Map(pairs);
}

/** Join what the lists say, the worst first. */
export function subjectsOf({ instances, volumes, schedules, protections }: Facts, now: number): Subject[] {
  const pulled = pulledCopies(protections);
  const bySubject = new Map<string, SnapshotSchedule[]>();
  for (const schedule of schedules) {
    const key = `${schedule.type} ${schedule.project} ${schedule.name}`;
    bySubject.set(key, [...(bySubject.get(key) ?? []), schedule]);
  }
  const make = (kind: Subject["kind"], project: string, pool: string, name: string, newest?: string): Subject => {
    const own = bySubject.get(`${kind} ${project} ${subjectName({ kind, pool, name })}`) ?? [];
    const copy = kind === "instance" ? pulled.get(`${project}/${name}`) : undefined;
    const state = stateOf(own, copy, now);
    return { kind, project, pool, name, schedules: own, pulled: copy, newestSnapshot: newest, state };
  };
  const newestOf = (volume: ListedVolume) => volume.snapshots.map((each) => each.created_at).sort().at(-1);
  return [
    ...instances.map((each) => make("instance", each.project, "", each.name)),
    ...volumes.map((each) => make("volume", each.project, each.pool, each.name, newestOf(each))),
  ].sort((a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state) || a.name.localeCompare(b.name));
}
