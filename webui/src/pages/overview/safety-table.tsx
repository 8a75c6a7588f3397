// Each instance and volume: what is promised, and how old its newest snapshot, export and copy are.
import { useMemo, useState } from "react";
import { Link } from "react-router-dom";
import { useBackups } from "../../api/resources/backups";
import { useSnapshots } from "../../api/resources/snapshots";
import { useVolumeBackups } from "../../api/resources/volumes";
import { Age } from "../../components/age";
import { DataTable, type Column } from "../../components/data-table";
import { SearchBox } from "../../components/search-box";
import { StatusLabel } from "../../components/status-label";
import { texts } from "../../text";
import { addressOf } from "./attention";
import { STATES, subjectName, type SafetyState, type Subject } from "./safety";

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

export function SafetyTable({ subjects, isOfAllProjects }: { subjects: Subject[]; isOfAllProjects: boolean }) {
  const [wanted, setWanted] = useState("");
  const [state, setState] = useState("");
  const columns = useMemo(() => safetyColumns(isOfAllProjects), [isOfAllProjects]);
  const shown = subjects.filter(
    (each) =>
      (state === "" || each.state === state) && subjectName(each).toLowerCase().includes(wanted.trim().toLowerCase()),
  );
  return (
    <section aria-labelledby="safety">
      <h2 className="p-heading--4" id="safety">
        {words.safety}
      </h2>
      <div className="toolbar" role="search">
        <SearchBox label={words.searchLabel} value={wanted} onChange={setWanted} />
        <select aria-label={words.state} value={state} onChange={(event) => setState(event.target.value)}>
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
        rowKey={(each) => `${each.kind} ${each.project} ${subjectName(each)}`}
        sortedBy="state"
        empty={subjects.length === 0 ? words.empty : texts.table.noMatch}
      />
    </section>
  );
}

function safetyColumns(isOfAllProjects: boolean): Column<Subject>[] {
  const project: Column<Subject> = {
    key: "project",
    title: texts.project,
    cell: (each) => each.project,
    sort: (each) => each.project,
  };
  return [
    {
      key: "name",
      title: texts.name,
      isHeader: true,
      cell: (each) => (
        <span className="name-cell">
          <Link to={addressOf(each)}>{subjectName(each)}</Link>
          <span className="name-cell__more">{words.kinds[each.kind]}</span>
        </span>
      ),
      sort: subjectName,
    },
    ...(isOfAllProjects ? [project] : []),
    {
      key: "state",
      title: words.state,
      cell: (each) => <StatusLabel status={words.states[each.state]} tone={TONES[each.state]} />,
      sort: (each) => STATES.indexOf(each.state),
    },
    { key: "promise", title: words.promise, cell: (each) => <Promised subject={each} /> },
    {
      key: "snapshot",
      title: words.newestSnapshot,
      className: "word-cell",
      cell: (each) => <NewestSnapshot subject={each} />,
    },
    {
      key: "export",
      title: words.newestExport,
      className: "word-cell",
      cell: (each) => <NewestExport subject={each} />,
    },
    {
      key: "copy",
      title: words.newestCopy,
      className: "word-cell",
      cell: ({ pulled }) =>
        pulled === undefined ? (
          words.noCopy
        ) : (
          <span className="name-cell">
            <Age time={pulled.copy.succeeded_at} />
            <span className="name-cell__more">{words.copyFrom(pulled.protection.remote)}</span>
          </span>
        ),
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
        <span key={index}>
          <code>{rule}</code>{" "}
          {next !== null && next !== "" && (
            <span className="name-cell__more">
              {words.next} <Age time={next} />
            </span>
          )}
        </span>
      ))}
    </span>
  );
}

function newest(points: { created_at: string }[] | undefined): string | undefined {
  return points?.map((each) => each.created_at).sort().at(-1);
}

function NewestSnapshot({ subject }: { subject: Subject }) {
  const isInstance = subject.kind === "instance";
  const snapshots = useSnapshots(subject.name, subject.project, isInstance);
  if (isInstance && snapshots.data === undefined) return <span className="u-text--muted">…</span>;
  return (
    <Link to={addressOf(subject, "snapshots")} className="quiet-link">
      <Age time={isInstance ? newest(snapshots.data) : subject.newestSnapshot} absent={words.noSnapshot} />
    </Link>
  );
}

function NewestExport({ subject }: { subject: Subject }) {
  return subject.kind === "instance" ? <InstanceExport subject={subject} /> : <VolumeExport subject={subject} />;
}

function InstanceExport({ subject }: { subject: Subject }) {
  const backups = useBackups(subject.name, subject.project);
  return <ExportAge subject={subject} backups={backups.data} />;
}

function VolumeExport({ subject }: { subject: Subject }) {
  const backups = useVolumeBackups(subject);
  return <ExportAge subject={subject} backups={backups.data} />;
}

function ExportAge({ subject, backups }: { subject: Subject; backups: { created_at: string }[] | undefined }) {
  if (backups === undefined) return <span className="u-text--muted">…</span>;
  return (
    <Link to={addressOf(subject, "exports")} className="quiet-link">
      <Age time={newest(backups)} absent={words.noExport} />
    </Link>
  );
}
