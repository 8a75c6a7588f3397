// Browses the files of a snapshot, downloads them, puts single ones back.
import { useMemo, useState } from "react";
import { Link, useSearchParams } from "react-router-dom";
import {
  fileAddress,
  treeAddress,
  useDirectory,
  useFileFacts,
  type FileEntry,
  type SnapshotPlace,
} from "../api/resources/files";
import { texts } from "../text";
import { Age } from "./age";
import { Bytes } from "./bytes";
import { fileCommand } from "./command";
import { CommandLine, WithCommand } from "./command-line";
import { DataTable, type Column } from "./data-table";
import { Loaded } from "./loaded";
import { instanceAddress, volumeAddress } from "./project";
import { PutBackDialog } from "./put-back-dialog";
import { SearchBox } from "./search-box";

const words = texts.snapshots.files;

export const joined = (directory: string, name: string): string => `${directory === "/" ? "" : directory}/${name}`;
const nameOf = (entry: FileEntry | string): string => (typeof entry === "string" ? entry : entry.name);

/** The same page at another path of the snapshot. */
function addressOf(place: SnapshotPlace, path: string): string {
  const tab = `snapshots/files/${encodeURIComponent(place.snapshot)}`;
  const page =
    place.pool === undefined
      ? instanceAddress(place.name, place.project, tab)
      : volumeAddress(place.pool, place.name, place.project, tab);
  return `${page}${page.includes("?") ? "&" : "?"}path=${encodeURIComponent(path)}`;
}

/** The directory of a snapshot that the address names. `place` is the same object as long as it is the same place. */
export function SnapshotFiles({ place }: { place: SnapshotPlace }) {
  const [search] = useSearchParams();
  const path = search.get("path") ?? "/";
  return (
    <>
      <h2 className="p-heading--4">{words.title(place.snapshot)}</h2>
      <Breadcrumbs place={place} path={path} />
      <Directory key={path} place={place} path={path} />
    </>
  );
}

function Breadcrumbs({ place, path }: { place: SnapshotPlace; path: string }) {
  const parts = path.split("/").filter((part) => part !== "");
  return (
    <nav className="path" aria-label={words.path}>
      <Link to={addressOf(place, "/")}>{words.root}</Link>
      {parts.map((part, index) => (
        <span key={index}>
          <Link to={addressOf(place, `/${parts.slice(0, index + 1).join("/")}`)}>{part}</Link>
          {index < parts.length - 1 && " / "}
        </span>
      ))}
    </nav>
  );
}

function Directory({ place, path }: { place: SnapshotPlace; path: string }) {
  const entries = useDirectory(place, path);
  const [wanted, setWanted] = useState("");
  const [chosen, setChosen] = useState<string>();
  const columns = useMemo(() => fileColumns(place, path, setChosen), [place, path]);
  const inside = `${place.name}/${place.snapshot}${path}`;
  return (
    <>
      <div className="toolbar">
        <SearchBox label={words.searchLabel} value={wanted} onChange={setWanted} />
        <a
          className="p-button"
          href={treeAddress(place, path)}
          download={`${path.split("/").at(-1) || place.name}.tar`}
        >
          {words.downloadFolder}
        </a>
      </div>
      <Loaded query={entries}>
        {(all) => (
          <DataTable
            caption={words.title(place.snapshot)}
            columns={columns}
            rows={all.filter((entry) => nameOf(entry).toLowerCase().includes(wanted.toLowerCase()))}
            rowKey={nameOf}
            sortedBy="name"
            empty={all.length === 0 ? words.empty : texts.table.noMatch}
          />
        )}
      </Loaded>
      <CommandLine command={fileCommand(place, "pull", [inside, "."], "-r")} />
      {chosen !== undefined && (
        <PutBackDialog place={place} path={chosen} onClose={() => setChosen(undefined)} />
      )}
    </>
  );
}

type Entry = FileEntry | string;

function fileColumns(place: SnapshotPlace, path: string, putBack: (path: string) => void): Column<Entry>[] {
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
    fact("mode", words.mode, (facts) => <code>{facts.mode}</code>),
    fact("owner", words.owner, (facts) => `${facts.uid}:${facts.gid}`),
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
          show={(facts) => <FileButtons place={place} path={joined(path, nameOf(entry))} facts={facts} onPutBack={putBack} />}
        />
      ),
    },
  ];
}

interface EntryProps {
  place: SnapshotPlace;
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
  if (facts?.type === "directory") return <Link to={addressOf(props.place, joined(props.path, name))}>{name}/</Link>;
  return (
    <>
      {name}
      {facts?.type === "symlink" && (
        <span className="u-text--muted"> {facts.target === "" ? `(${words.types.symlink})` : words.linkTo(facts.target)}</span>
      )}
    </>
  );
}

interface FileButtonsProps {
  place: SnapshotPlace;
  path: string;
  facts: FileEntry;
  onPutBack: (path: string) => void;
}

function FileButtons({ place, path, facts, onPutBack }: FileButtonsProps) {
  if (facts.type !== "file") return null;
  const name = path.split("/").at(-1) ?? "";
  return (
    <>
      <WithCommand command={fileCommand(place, "pull", [`${place.name}/${place.snapshot}${path}`, "."])}>
        <a className="p-button is-small" href={fileAddress(place, path)} download={name} aria-label={words.downloadFile(name)}>
          {texts.download}
        </a>
      </WithCommand>{" "}
      <button type="button" className="p-button is-small" aria-label={words.putBackOf(name)} onClick={() => onPutBack(path)}>
        {words.putBack}
      </button>
    </>
  );
}
