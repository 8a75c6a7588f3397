// Each instance and volume: what is promised, and how old its newest snapshot, export and copy are.
import { useMemo, useState } from "react";
import { Link } from "react-router-dom";
import type { Safety } from "../../api/resources/safety";
import { Absent } from "../../components/absent";
import { Age, parseTime } from "../../components/age";
import { Rule } from "../../components/config/rule";
import { DataTable, type Column } from "../../components/data-table";
import { SearchBox } from "../../components/search-box";
import { StatusLabel } from "../../components/status-label";
import { texts } from "../../text";
import { addressOf, STATES, type SafetyState, type Subject } from "./safety";

const words = texts.overview;
const TONES: Record<SafetyState, "positive" | "negative" | "caution" | "information" | "neutral"> = {
  failing: "negative",
  late: "negative",
  unprotected: "caution",
  waiting: "information",
  stopped: "neutral",
  paused: "neutral",
  ok: "positive",
};

interface SafetyTableProps {
  subjects: Subject[];
  isOfAllProjects: boolean;
  /** Only those that stand so are shown; "" is all. */
  state: SafetyState | "";
  onState: (state: SafetyState | "") => void;
}

export function SafetyTable({ subjects, isOfAllProjects, state, onState }: SafetyTableProps) {
  const [wanted, setWanted] = useState("");
  const columns = useMemo(() => safetyColumns(isOfAllProjects), [isOfAllProjects]);
  const shown = subjects.filter(
    (each) =>
      (state === "" || each.state === state) && each.name.toLowerCase().includes(wanted.trim().toLowerCase()),
  );
  return (
    <section aria-labelledby="safety">
      <h2 className="p-heading--4" id="safety">
        {words.safety}
      </h2>
      <div className="toolbar" role="search">
        <SearchBox label={words.searchLabel} value={wanted} onChange={setWanted} />
        <select aria-label={words.state} value={state} onChange={(event) => onState(event.target.value as SafetyState | "")}>
          <option value="">{words.anyState}</option>
          {STATES.map((each) => (
            <option key={each} value={each}>
              {words.states[each]}
            </option>
          ))}
        </select>
      </div>
      <DataTable
        caption={words.safety}
        columns={columns}
        rows={shown}
        rowKey={(each) => `${each.safety.project} ${each.safety.subject}`}
        sortedBy="state"
        empty={subjects.length === 0 ? words.empty : texts.table.noMatch}
      />
    </section>
  );
}

/** A column of an age that leads to where its things are; what has none comes first when sorted. */
function age(key: string, title: string, tab: string, timeOf: (safety: Safety) => string | null): Column<Subject> {
  return {
    key,
    title,
    className: "word-cell",
    cell: (each) => (
      <Link to={addressOf(each, tab)} className="quiet-link">
        <Age time={timeOf(each.safety)} absent={texts.none} />
      </Link>
    ),
    sort: (each) => parseTime(timeOf(each.safety)) ?? 0,
  };
}

function safetyColumns(isOfAllProjects: boolean): Column<Subject>[] {
  const project: Column<Subject> = {
    key: "project",
    title: texts.project,
    cell: (each) => each.safety.project,
    sort: (each) => each.safety.project,
  };
  return [
    {
      key: "name",
      title: texts.name,
      isHeader: true,
      cell: (each) => (
        <span className="name-cell">
          <Link to={addressOf(each)}>{each.name}</Link>
          <span className="name-cell__more">{words.kinds[each.safety.type as "instance"] ?? each.safety.type}</span>
        </span>
      ),
      sort: (each) => each.name,
    },
    ...(isOfAllProjects ? [project] : []),
    {
      key: "state",
      title: words.state,
      cell: (each) => <StatusLabel status={words.states[each.state]} tone={TONES[each.state]} />,
      sort: (each) => STATES.indexOf(each.state),
    },
    { key: "promise", title: words.promise, className: "schedule-cell", cell: (each) => <Promised subject={each} /> },
    age("snapshot", words.newestSnapshot, "snapshots", (safety) => safety.newest_snapshot_at),
    age("export", words.newestExport, "exports", (safety) => safety.newest_export_at),
    {
      key: "copy",
      title: words.newestCopy,
      className: "word-cell",
      cell: ({ safety, pulled }) =>
        safety.newest_copy_at === null ? (
          <Absent />
        ) : (
          <span className="name-cell">
            <Age time={safety.newest_copy_at} />
            {pulled !== undefined && <span className="name-cell__more">{words.copyFrom(pulled.protection.remote)}</span>}
          </span>
        ),
      sort: ({ safety }) => parseTime(safety.newest_copy_at) ?? 0,
    },
  ];
}

function Promised({ subject }: { subject: Subject }) {
  const rules =
    subject.pulled === undefined
      ? subject.schedules.map((each) => ({ rule: each.rule, next: each.next_at }))
      : [{ rule: subject.pulled.protection.schedule, next: subject.pulled.protection.next_at }];
  if (rules.length === 0) return <span className="u-text--muted">{words.noPromise}</span>;
  return (
    <span className="name-cell">
      {rules.map(({ rule, next }, index) => (
        <span key={index} className="name-cell">
          <Rule rule={rule} />
          {next !== null && next !== "" && (
            <span className="name-cell__more">
              {words.next} <Age time={next} isDue />
            </span>
          )}
        </span>
      ))}
    </span>
  );
}
