// How safe an instance or a volume is: its newest snapshot and export, and the schedules that take snapshots of it.
import { Link } from "react-router-dom";
import type { SnapshotSchedule } from "../api/resources/snapshots";
import { texts } from "../text";
import { Age } from "./age";
import { Rule } from "./config/rule";
import { StatusLabel } from "./status-label";

const words = texts.instance.overview;

interface Dated {
  created_at: string;
}

interface SafetyCardProps {
  /** Undefined while they are read. */
  snapshots: Dated[] | undefined;
  exports: Dated[] | undefined;
  schedules: SnapshotSchedule[] | undefined;
  /** Where the tabs of what it is about are. */
  addressOf: (tab: "snapshots" | "exports" | "configuration") => string;
}

const newestOf = (things: Dated[] | undefined): string | undefined => things?.map((each) => each.created_at).sort().at(-1);

export function SafetyCard({ snapshots, exports, schedules, addressOf }: SafetyCardProps) {
  return (
    <section className="card">
      <h2 className="p-heading--5">{words.safety}</h2>
      <dl className="facts">
        <dt>{words.newestSnapshot}</dt>
        <dd>
          <Link to={addressOf("snapshots")}>
            <Age time={newestOf(snapshots)} absent={texts.none} />
          </Link>
        </dd>
        <dt>{words.snapshotCount}</dt>
        <dd>{snapshots?.length ?? "…"}</dd>
        <dt>{words.newestExport}</dt>
        <dd>
          <Link to={addressOf("exports")}>
            <Age time={newestOf(exports)} absent={texts.none} />
          </Link>
        </dd>
        <dt>{words.schedules}</dt>
        <dd>
          {schedules?.length === 0 && (
            <>
              {words.noSchedule} <Link to={addressOf("configuration")}>{words.setSchedule}</Link>
            </>
          )}
          {schedules?.map((schedule) => (
            <ScheduleLine key={schedule.label} schedule={schedule} />
          ))}
        </dd>
      </dl>
      {schedules
        ?.filter((schedule) => schedule.error !== "")
        .map((schedule) => (
          <p key={schedule.label} className="is-bad error-text">
            {schedule.error}
          </p>
        ))}
    </section>
  );
}

function ScheduleLine({ schedule }: { schedule: SnapshotSchedule }) {
  return (
    <div className="schedule-line">
      <div>
        <Rule rule={schedule.rule} />
      </div>
      <StatusLabel status={schedule.status} />
      {schedule.next_at !== null && (
        <span className="u-text--muted">
          {" "}
          {words.nextRun} <Age time={schedule.next_at} isDue />
        </span>
      )}
    </div>
  );
}
