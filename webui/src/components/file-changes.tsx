// Which files were added, changed and removed between two points of an instance or a volume.
import { useMemo, useState } from "react";
import { Link } from "react-router-dom";
import { useChangePages, type ChangedPath } from "../api/resources/changes";
import type { FileType } from "../api/resources/files";
import { texts } from "../text";
import { Bytes } from "./bytes";
import { DataTable, type Column } from "./data-table";
import { ErrorNote } from "./error-note";
import { FileButtons } from "./file-buttons";
import { Loading } from "./loaded";
import { filesAddress, parentOf, type Place } from "./places";
import { PutBackDialog } from "./put-back-dialog";
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

function columnsOf(place: Place, from: string, to: string, putBack: (path: string) => void): Column<ChangedPath>[] {
  return [
    {
      key: "path",
      title: words.path,
      isHeader: true,
      cell: (entry) => <PathCell place={place} from={from} to={to} entry={entry} />,
      sort: (entry) => entry.path,
    },
    ...COLUMNS,
    {
      key: "actions",
      title: texts.actions,
      isTitleHidden: true,
      className: "button-cell",
      // What was added since isn't in the earlier point.
      cell: (entry) =>
        entry.change !== "added" && (
          <FileButtons
            place={{ ...place, snapshot: from }}
            path={entry.path}
            type={entry.type as FileType}
            onPutBack={putBack}
          />
        ),
    },
  ];
}

/** Leads to the directory in the snapshot where it is. */
function PathCell({ place, from, to, entry }: { place: Place; from: string; to: string; entry: ChangedPath }) {
  const snapshot = entry.change === "added" ? to : from;
  const path = <code>{entry.path}</code>;
  return snapshot === "" ? path : <Link to={filesAddress(place, snapshot, parentOf(entry.path))}>{path}</Link>;
}

const COLUMNS: Column<ChangedPath>[] = [
  {
    key: "change",
    title: words.change,
    className: "short-cell",
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
    className: "word-cell minor-cell",
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
  place: Place;
  /** The API's path of the instance or volume. */
  subject: string;
  from: string;
  to: string;
  path: string;
}

export function FileChanges({ place, subject, from, to, path }: FileChangesProps) {
  const { project, pool, name } = place;
  const [chosen, setChosen] = useState<string>();
  const columns = useMemo(
    () => columnsOf({ name, project, ...(pool === undefined ? {} : { pool }) }, from, to, setChosen),
    [pool, name, project, from, to],
  );
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
        columns={columns}
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
      {chosen !== undefined && (
        <PutBackDialog place={{ ...place, snapshot: from }} path={chosen} onClose={() => setChosen(undefined)} />
      )}
    </section>
  );
}
