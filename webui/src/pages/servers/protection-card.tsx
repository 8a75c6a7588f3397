// One protection: what is promised, how it stands, and its copies.
import { Link } from "react-router-dom";
import type { ProtectedCopy, Protection } from "../../api/resources/protections";
import { Absent } from "../../components/absent";
import { ActionMenu } from "../../components/action-menu";
import { Age, formatDuration, parseTime } from "../../components/age";
import { formatBytes } from "../../components/bytes";
import { Rule } from "../../components/config/rule";
import { DataTable, type Column } from "../../components/data-table";
import { instanceAddress } from "../../components/project";
import { StatusLabel } from "../../components/status-label";
import { texts } from "../../text";
import { useProtectionActions } from "./protection-actions";

const words = texts.servers;
const TONES = { ok: "positive", late: "negative", failing: "negative", paused: "caution", waiting: "information" } as const;

type State = keyof typeof words.states;

function stateOf({ paused, error, failures, copies }: Protection): State {
  if (copies.some((copy) => copy.late)) return "late";
  if (error !== "" || failures > 0 || copies.some((copy) => copy.error !== "")) return "failing";
  if (paused) return "paused";
  return copies.some((copy) => parseTime(copy.succeeded_at) !== undefined) ? "ok" : "waiting";
}

export function ProtectionCard({ protection }: { protection: Protection }) {
  const { name } = protection;
  const { actions, dialog } = useProtectionActions(protection);
  const state = stateOf(protection);
  return (
    <div className="card">
      <div className="card__head">
        <h3 className="p-heading--5">
          {name} <StatusLabel status={words.states[state]} tone={TONES[state]} />
        </h3>
        <ActionMenu label={texts.actions} ariaLabel={words.actionsOf(name)} actions={actions} />
      </div>
      {protection.error !== "" && <p className="is-bad error-text">{protection.error}</p>}
      <Facts protection={protection} />
      <DataTable
        caption={words.copies(name)}
        columns={copyColumns(protection)}
        rows={protection.copies}
        rowKey={(copy) => copy.instance}
        sortedBy="instance"
        empty={words.noCopies}
      />
      {dialog}
    </div>
  );
}

function Facts({ protection }: { protection: Protection }) {
  const { project, pattern, schedule, keep, pool, target_project: targetProject, window } = protection;
  return (
    <dl className="facts">
      <dt>{words.source}</dt>
      <dd>
        <code>{project === "default" ? pattern : `${project}/${pattern}`}</code>
      </dd>
      <dt>{words.schedule}</dt>
      <dd>
        <Rule rule={schedule} />
        {window !== "" && ` ${window}`}
      </dd>
      <dt>{words.keep}</dt>
      <dd>{keep === "" ? words.everything : <code>{keep}</code>}</dd>
      <dt>{words.pool}</dt>
      <dd>{targetProject === "default" ? pool : `${pool}, ${texts.project} ${targetProject}`}</dd>
      <dt>{words.next}</dt>
      <dd>{protection.paused ? words.states.paused : <Age time={protection.next_at} isDue />}</dd>
    </dl>
  );
}

function copyColumns(protection: Protection): Column<ProtectedCopy>[] {
  return [
    {
      key: "instance",
      title: words.instance,
      isHeader: true,
      cell: (copy) => (
        <Link to={instanceAddress(copy.instance, protection.target_project)}>{copy.instance}</Link>
      ),
      sort: (copy) => copy.instance,
    },
    {
      key: "newest",
      title: words.newest,
      className: "word-cell",
      cell: (copy) => (
        <>
          <Age time={copy.succeeded_at} /> {copy.late && <StatusLabel status={words.states.late} tone="negative" />}
        </>
      ),
      sort: (copy) => parseTime(copy.succeeded_at) ?? 0,
    },
    { key: "tried", title: words.tried, className: "word-cell", cell: (copy) => <Age time={copy.tried_at} /> },
    {
      key: "came",
      title: words.came,
      className: "word-cell",
      cell: (copy) => `${formatBytes(copy.bytes)} ${words.took(formatDuration(Math.max(copy.seconds, 1)))}`,
      sort: (copy) => copy.bytes,
    },
    {
      key: "problem",
      title: words.problem,
      cell: ({ error, missing }) => {
        const problem = error !== "" ? error : missing ? words.missing : "";
        return problem === "" ? <Absent /> : <span className="error-text">{problem}</span>;
      },
    },
  ];
}
