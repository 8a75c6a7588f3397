// Which files were added, changed and removed between two points of an instance or a volume.
import { useChangePages, type ChangedPath } from "../api/resources/changes";
import { texts } from "../text";
import { Bytes } from "./bytes";
import { DataTable, type Column } from "./data-table";
import { ErrorNote } from "./error-note";
import { Loading } from "./loaded";
import { StatusLabel } from "./status-label";

const words = texts.snapshots.compare;
const PAGE_ENTRIES = 1000;
const TONES: Record<string, "positive" | "caution" | "negative"> = {
  added: "positive",
  changed: "caution",
  removed: "negative",
};
const CHANGES: Record<string, string> = words.changes;
const TYPES: Record<string, string> = texts.snapshots.files.types;
const ASPECTS: Record<string, string> = words.aspects;

const COLUMNS: Column<ChangedPath>[] = [
  {
    key: "path",
    title: words.path,
    isHeader: true,
    cell: (entry) => <code>{entry.path}</code>,
    sort: (entry) => entry.path,
  },
  {
    key: "change",
    title: words.change,
    cell: (entry) => (
      <>
        <StatusLabel status={CHANGES[entry.change] ?? entry.change} tone={TONES[entry.change] ?? "neutral"} />{" "}
        <span className="u-text--muted">{entry.what.map((aspect) => ASPECTS[aspect] ?? aspect).join(", ")}</span>
      </>
    ),
    sort: (entry) => entry.change,
  },
  {
    key: "type",
    title: texts.type,
    cell: (entry) => TYPES[entry.type] ?? entry.type,
    sort: (entry) => entry.type,
  },
  {
    key: "before",
    title: words.before,
    className: "number-cell",
    cell: (entry) => <Bytes value={entry.old_size} />,
    sort: (entry) => entry.old_size ?? -1,
  },
  {
    key: "after",
    title: words.after,
    className: "number-cell",
    cell: (entry) => <Bytes value={entry.new_size} />,
    sort: (entry) => entry.new_size ?? -1,
  },
];

interface FileChangesProps {
  /** The API's path of the instance or volume. */
  subject: string;
  project: string;
  from: string;
  to: string;
  path: string;
}

export function FileChanges({ subject, project, from, to, path }: FileChangesProps) {
  const query = { from, to, limit: PAGE_ENTRIES, ...(path === "" ? {} : { path }) };
  const changes = useChangePages(subject, project, query, path === "" || path.startsWith("/"));
  if (changes.isError) return <ErrorNote error={changes.error} onRetry={() => void changes.refetch()} />;
  const [first] = changes.data?.pages ?? [];
  if (first === undefined) return <Loading />;
  const entries = changes.data?.pages.flatMap((page) => page.entries) ?? [];
  return (
    <section>
      <p role="status">
        {words.counts(first.added, first.changed, first.removed)} {!first.complete && words.incomplete}
      </p>
      <DataTable
        caption={words.title}
        columns={COLUMNS}
        rows={entries}
        rowKey={(entry) => `${entry.change} ${entry.path}`}
        sortedBy="path"
        empty={words.equal}
      />
      {changes.hasNextPage && (
        <button
          type="button"
          className="p-button"
          disabled={changes.isFetchingNextPage}
          onClick={() => void changes.fetchNextPage()}
        >
          {words.more}
        </button>
      )}
    </section>
  );
}
