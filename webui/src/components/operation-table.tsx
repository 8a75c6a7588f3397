// Operations with what they are about, how far they are, and a way to stop them.
import { cancel, hasFailed, isRunning, progressOf, type KnownOperation } from "../api/operations";
import { texts } from "../text";
import { Age, formatDuration, parseTime } from "./age";
import { CopyButton } from "./command-line";
import { holdfast } from "./command";
import { DataTable, type Column } from "./data-table";
import { entityOf, EntityLink } from "./entity-link";
import { ProgressBar } from "./operation-progress";
import { runDirectly } from "./run-action";
import { StatusLabel } from "./status-label";

const words = texts.operations;

const COLUMNS: Column<KnownOperation>[] = [
  { key: "what", title: words.what, isHeader: true, cell: (each) => each.description, sort: (each) => each.description },
  { key: "about", title: words.about, cell: (each) => <About operation={each} /> },
  { key: "status", title: texts.status, cell: (each) => <StatusLabel status={each.status} />, sort: (each) => each.status },
  { key: "progress", title: words.progress, cell: (each) => <Progress operation={each} /> },
  {
    key: "began",
    title: words.began,
    className: "word-cell",
    cell: (each) => <Age time={each.created_at} />,
    sort: (each) => parseTime(each.created_at) ?? 0,
  },
  {
    key: "actions",
    title: texts.actions,
    isTitleHidden: true,
    className: "button-cell",
    cell: (each) => <Stop operation={each} />,
  },
];

interface OperationTableProps {
  caption: string;
  operations: readonly KnownOperation[];
  empty: string;
}

export function OperationTable({ caption, operations, empty }: OperationTableProps) {
  return (
    <DataTable
      caption={caption}
      columns={COLUMNS}
      rows={operations}
      rowKey={(each) => each.id}
      sortedBy="began"
      isDescending
      empty={empty}
    />
  );
}

function About({ operation }: { operation: KnownOperation }) {
  const all = Object.values(operation.resources ?? {}).flat();
  // The same thing may be there as an instance and as a container, which has no page.
  const paged = all.filter((url) => entityOf(url).address !== undefined);
  const urls = [...new Map([...all, ...paged].map((url) => [entityOf(url).name, url])).values()];
  return (
    <>
      {urls.slice(0, 3).map((url, index) => (
        <span key={url}>
          {index > 0 && ", "}
          <EntityLink url={withProject(url, operation.project)} />
        </span>
      ))}
      {urls.length > 3 && ` +${urls.length - 3}`}
    </>
  );
}

/** Events name the project apart from the resources. */
function withProject(url: string, project: string): string {
  return url.includes("project=") || project === "default" ? url : `${url}?project=${encodeURIComponent(project)}`;
}

function Progress({ operation }: { operation: KnownOperation }) {
  if (hasFailed(operation)) return <span className="is-bad error-text">{operation.err}</span>;
  if (!isRunning(operation)) {
    const seconds = ((parseTime(operation.updated_at) ?? 0) - (parseTime(operation.created_at) ?? 0)) / 1000;
    return <span className="u-text--muted">{`${words.took} ${formatDuration(Math.max(seconds, 0))}`}</span>;
  }
  const progress = progressOf(operation);
  return (
    <div className="progress-cell">
      <ProgressBar percent={progress?.percent} label={`${texts.operation.progress}: ${operation.description}`} />
      {progress !== undefined && <span className="u-text--muted">{progress.stage}</span>}
    </div>
  );
}

function Stop({ operation }: { operation: KnownOperation }) {
  if (!isRunning(operation)) return null;
  if (!operation.may_cancel) return <span className="u-text--muted">{words.fixed}</span>;
  const stop = () =>
    void runDirectly({
      title: words.stopOf(operation.description),
      done: words.stopped(operation.description),
      run: () => cancel(operation),
    });
  return (
    <span className="button-group">
      <button type="button" className="p-button is-small" aria-label={words.stopOf(operation.description)} onClick={stop}>
        {words.stop}
      </button>
      <CopyButton command={holdfast(operation.project, "operation", "delete", operation.id)} />
    </span>
  );
}
