// Browses the files of a snapshot, downloads them, puts single ones back.
import { useMemo, useState } from "react";
import { Link, useParams, useSearchParams } from "react-router-dom";
import {
  fileAddress,
  treeAddress,
  useDirectory,
  useFileFacts,
  type FileEntry,
  type FilePlace,
} from "../../../api/resources/files";
import { Age } from "../../../components/age";
import { Bytes } from "../../../components/bytes";
import { CommandLine, WithCommand } from "../../../components/command-line";
import { holdfast } from "../../../components/command";
import { DataTable, type Column } from "../../../components/data-table";
import { Loaded } from "../../../components/loaded";
import { SearchBox } from "../../../components/search-box";
import { instanceAddress } from "../../../components/project";
import { texts } from "../../../text";
import type { TabProps } from "../instance-page";
import { PutBackDialog } from "./put-back-dialog";

const words = texts.snapshots.files;

export const joined = (directory: string, name: string): string => `${directory === "/" ? "" : directory}/${name}`;
const nameOf = (entry: FileEntry | string): string => (typeof entry === "string" ? entry : entry.name);

/** The same page at another path of the snapshot. */
function addressOf(place: Required<FilePlace>, path: string): string {
  const page = instanceAddress(place.instance, place.project, `snapshots/files/${encodeURIComponent(place.snapshot)}`);
  return `${page}${page.includes("?") ? "&" : "?"}path=${encodeURIComponent(path)}`;
}

export default function SnapshotFilesPage({ instance }: TabProps) {
  const { snapshot = "" } = useParams();
  const [search] = useSearchParams();
  const path = search.get("path") ?? "/";
  const place = useMemo(
    () => ({ instance: instance.name, project: instance.project, snapshot }),
    [instance.name, instance.project, snapshot],
  );
  return (
    <>
      <h2 className="p-heading--4">{words.title(snapshot)}</h2>
      <Breadcrumbs place={place} path={path} />
      <Directory key={path} place={place} path={path} />
    </>
  );
}

function Breadcrumbs({ place, path }: { place: Required<FilePlace>; path: string }) {
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

function Directory({ place, path }: { place: Required<FilePlace>; path: string }) {
  const entries = useDirectory(place, path);
  const [wanted, setWanted] = useState("");
  const [chosen, setChosen] = useState<string>();
  const columns = useMemo(() => fileColumns(place, path, setChosen), [place, path]);
  const inside = `${place.instance}/${place.snapshot}${path}`;
  return (
    <>
      <div className="toolbar">
        <SearchBox label={words.searchLabel} value={wanted} onChange={setWanted} />
        <a
          className="p-button"
          href={treeAddress(place.instance, place.snapshot, place.project, path)}
          download={`${path.split("/").at(-1) || place.instance}.tar`}
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
      <CommandLine command={holdfast(place.project, "file", "pull", "-r", inside, ".")} />
      {chosen !== undefined && (
        <PutBackDialog place={place} path={chosen} onClose={() => setChosen(undefined)} />
      )}
    </>
  );
}

type Entry = FileEntry | string;

function fileColumns(place: Required<FilePlace>, path: string, putBack: (path: string) => void): Column<Entry>[] {
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
  place: Required<FilePlace>;
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
  place: Required<FilePlace>;
  path: string;
  facts: FileEntry;
  onPutBack: (path: string) => void;
}

function FileButtons({ place, path, facts, onPutBack }: FileButtonsProps) {
  if (facts.type !== "file") return null;
  const name = path.split("/").at(-1) ?? "";
  return (
    <>
      <WithCommand command={holdfast(place.project, "file", "pull", `${place.instance}/${place.snapshot}${path}`, ".")}>
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
