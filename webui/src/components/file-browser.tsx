// Browses the files of an instance or volume, in a snapshot or as they are now; downloads them, puts single ones back.
import { useEffect, useMemo, useRef, useState } from "react";
import { Link, useLocation, useNavigate, useSearchParams } from "react-router-dom";
import { ApiError } from "../api/client";
import {
  isOfSnapshot,
  treeAddress,
  useDirectory,
  useFileFacts,
  type FileEntry,
  type FilePlace,
} from "../api/resources/files";
import { texts } from "../text";
import { Age, formatTime, parseTime } from "./age";
import { Bytes } from "./bytes";
import { fileCommand } from "./command";
import type { Point } from "./chosen-points";
import { CommandLine } from "./command-line";
import { DataTable, type Column } from "./data-table";
import { FileButtons, insideOf } from "./file-buttons";
import { Loaded } from "./loaded";
import { filesAddress, parentOf } from "./places";
import { PutBackDialog } from "./put-back-dialog";
import { SearchBox } from "./search-box";

const words = texts.snapshots.files;

export const joined = (directory: string, name: string): string => `${directory === "/" ? "" : directory}/${name}`;
const nameOf = (entry: FileEntry | string): string => (typeof entry === "string" ? entry : entry.name);

interface FileBrowserProps {
  /** Without a snapshot: as it is now. The same object as long as it is the same place. */
  place: FilePlace;
  /** All snapshots there are, to look into another one at the same path. */
  snapshots: Point[];
}

const titleOf = ({ name, snapshot }: FilePlace): string =>
  snapshot === undefined ? words.titleNow(name) : words.title(snapshot);

/** The directory that the address names. */
export function FileBrowser({ place, snapshots }: FileBrowserProps) {
  const [search] = useSearchParams();
  const path = search.get("path") ?? "/";
  return (
    <>
      <h2 className="p-heading--4">{titleOf(place)}</h2>
      <Breadcrumbs place={place} path={path} />
      <Directory key={path} place={place} path={path} snapshots={snapshots} />
    </>
  );
}

/** No snapshot is called so. */
const NOW = "";
/** What a page of files is told by the one before. */
const CHOSEN_HERE = "snapshot-choice";

/** Who looks for a file often doesn't know yet in which snapshot it still is. */
function SnapshotChoice({ place, path, snapshots }: FileBrowserProps & { path: string }) {
  const navigate = useNavigate();
  const { state } = useLocation();
  const field = useRef<HTMLSelectElement>(null);
  // Each choice is a page of its own: who goes from one to the next by keyboard stays in this field.
  useEffect(() => {
    if (state === CHOSEN_HERE) field.current?.focus();
  }, [state]);
  const choose = (value: string) =>
    navigate(filesAddress(place, value === NOW ? undefined : value, path), { state: CHOSEN_HERE });
  const newestFirst = snapshots.toSorted((a, b) => b.created_at.localeCompare(a.created_at));
  return (
    <select
      className="snapshot-choice"
      aria-label={words.snapshot}
      value={place.snapshot ?? NOW}
      ref={field}
      onChange={(event) => choose(event.target.value)}
    >
      <option value={NOW}>{words.now}</option>
      {newestFirst.map(({ name, created_at }) => (
        <option key={name} value={name}>
          {`${name} (${formatTime(parseTime(created_at) ?? 0)})`}
        </option>
      ))}
    </select>
  );
}

function Breadcrumbs({ place, path }: { place: FilePlace; path: string }) {
  const parts = path.split("/").filter((part) => part !== "");
  return (
    <nav className="path" aria-label={words.path}>
      <Link to={filesAddress(place, place.snapshot)}>{words.root}</Link>
      {parts.map((part, index) => (
        <span key={index}>
          {index > 0 && " / "}
          {index < parts.length - 1 ? (
            <Link to={filesAddress(place, place.snapshot, `/${parts.slice(0, index + 1).join("/")}`)}>{part}</Link>
          ) : (
            <span aria-current="page">{part}</span>
          )}
        </span>
      ))}
    </nav>
  );
}

function Directory({ place, path, snapshots }: FileBrowserProps & { path: string }) {
  const entries = useDirectory(place, path);
  const [wanted, setWanted] = useState("");
  const [chosen, setChosen] = useState<string>();
  const columns = useMemo(() => fileColumns(place, path, setChosen), [place, path]);
  const isMissing = entries.error instanceof ApiError && [400, 404].includes(entries.error.status);
  return (
    <>
      <div className="toolbar">
        <SnapshotChoice place={place} path={path} snapshots={snapshots} />
        <SearchBox label={words.searchLabel} value={wanted} onChange={setWanted} />
        {isOfSnapshot(place) ? (
          <a
            className="p-button"
            href={treeAddress(place, path)}
            download={`${path.split("/").at(-1) || place.name}.tar`}
          >
            {words.downloadFolder}
          </a>
        ) : (
          <button type="button" className="p-button" onClick={() => void entries.refetch()}>
            {words.refresh}
          </button>
        )}
      </div>
      {isMissing && (
        <p className="table-empty" role="status">
          {place.snapshot === undefined ? words.missingNow(path, place.name) : words.missing(path, place.snapshot)}{" "}
          <Link to={filesAddress(place, place.snapshot, parentOf(path))}>{words.up}</Link>
        </p>
      )}
      {!isMissing && (
        <Loaded query={entries}>
          {(all) => (
            <DataTable
              caption={titleOf(place)}
              columns={columns}
              rows={all.filter((entry) => nameOf(entry).toLowerCase().includes(wanted.toLowerCase()))}
              rowKey={nameOf}
              sortedBy="name"
              empty={all.length === 0 ? words.empty : texts.table.noMatch}
            />
          )}
        </Loaded>
      )}
      <CommandLine command={fileCommand(place, "pull", [insideOf(place, path), "."], "-r")} />
      {chosen !== undefined && isOfSnapshot(place) && (
        <PutBackDialog place={place} path={chosen} onClose={() => setChosen(undefined)} />
      )}
    </>
  );
}

type Entry = FileEntry | string;

function fileColumns(place: FilePlace, path: string, putBack: (path: string) => void): Column<Entry>[] {
  const fact = (key: string, title: string, show: (facts: FileEntry) => React.ReactNode, className = "word-cell") => ({
    key,
    title,
    className,
    cell: (entry: Entry) => <Fact place={place} path={path} entry={entry} show={show} />,
  });
  return [
    {
      key: "name",
      title: words.name,
      isHeader: true,
      cell: (entry) => <NameCell place={place} path={path} entry={entry} />,
      sort: (entry) => `${typeof entry !== "string" && entry.type === "directory" ? "0" : "1"}${nameOf(entry)}`,
    },
    fact("size", words.size, (facts) => <Bytes value={facts.type === "file" ? facts.size : undefined} />, "number-cell"),
    fact("mode", words.mode, (facts) => <code>{facts.mode}</code>, "word-cell minor-cell"),
    fact("owner", words.owner, (facts) => `${facts.uid}:${facts.gid}`, "word-cell minor-cell"),
    fact("modified", words.modified, (facts) => <Age time={facts.modified} absent="" />),
    {
      key: "actions",
      title: texts.actions,
      isTitleHidden: true,
      className: "button-cell",
      cell: (entry) => (
        <Fact
          place={place}
          path={path}
          entry={entry}
          show={({ type }) => (
            <FileButtons place={place} path={joined(path, nameOf(entry))} type={type} onPutBack={putBack} />
          )}
        />
      ),
    },
  ];
}

interface EntryProps {
  place: FilePlace;
  path: string;
  entry: Entry;
}

/** The facts of an entry: those that came with the list, or asked for now that it is in sight. */
function useFacts({ place, path, entry }: EntryProps): FileEntry | undefined {
  const isListed = typeof entry !== "string";
  const asked = useFileFacts(place, joined(path, nameOf(entry)), !isListed);
  return isListed ? entry : asked.data;
}

function Fact({ show, ...props }: EntryProps & { show: (facts: FileEntry) => React.ReactNode }) {
  const facts = useFacts(props);
  return facts === undefined ? null : <>{show(facts)}</>;
}

function NameCell(props: EntryProps) {
  const facts = useFacts(props);
  const name = nameOf(props.entry);
  if (facts?.type === "directory") return <Link to={filesAddress(props.place, props.place.snapshot, joined(props.path, name))}>{name}/</Link>;
  return (
    <>
      {name}
      {facts?.type === "symlink" && (
        <span className="u-text--muted"> {facts.target === "" ? `(${words.types.symlink})` : words.linkTo(facts.target)}</span>
      )}
    </>
  );
}
