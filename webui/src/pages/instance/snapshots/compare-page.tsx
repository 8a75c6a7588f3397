// What changed between two points: files added, changed and removed, and settings.
import { useMemo } from "react";
import { useSearchParams } from "react-router-dom";
import { useChangePages, type ChangedPath } from "../../../api/resources/changes";
import type { Instance } from "../../../api/resources/instances";
import { useSnapshots, type Snapshot } from "../../../api/resources/snapshots";
import { Bytes } from "../../../components/bytes";
import { CommandLine } from "../../../components/command-line";
import { holdfast } from "../../../components/command";
import { DataTable, type Column } from "../../../components/data-table";
import { ErrorNote } from "../../../components/error-note";
import { SelectField, TextField } from "../../../components/fields";
import { Loaded, Loading } from "../../../components/loaded";
import { StatusLabel } from "../../../components/status-label";
import { texts } from "../../../text";
import type { TabProps } from "../instance-page";
import { differingKeys } from "./snapshot-facts";

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

export default function ComparePage({ instance }: TabProps) {
  const snapshots = useSnapshots(instance.name, instance.project);
  return (
    <>
      <h2 className="p-heading--4">{words.title}</h2>
      <Loaded query={snapshots}>{(all) => <Comparison instance={instance} snapshots={all} />}</Loaded>
    </>
  );
}

function Comparison({ instance, snapshots }: TabProps & { snapshots: Snapshot[] }) {
  const [search, setSearch] = useSearchParams();
  const ordered = useMemo(() => snapshots.toSorted((a, b) => a.created_at.localeCompare(b.created_at)), [snapshots]);
  const from = search.get("from") ?? ordered.at(-1)?.name ?? "";
  const to = search.get("to") ?? "";
  const path = search.get("path") ?? "";
  const set = (change: Record<string, string>) =>
    setSearch(
      (before) => {
        const after = new URLSearchParams(before);
        for (const [key, value] of Object.entries(change)) after.set(key, value);
        return after;
      },
      { replace: true },
    );
  const choices = ordered.map((each) => ({
    value: each.name,
    label: `${each.name} (${new Date(each.created_at).toLocaleString()})`,
  }));
  return (
    <>
      <div className="field-row">
        <SelectField label={words.from} value={from} onChange={(value) => set({ from: value, to })} choices={choices} />
        <SelectField
          label={words.to}
          value={to}
          onChange={(value) => set({ to: value, from })}
          choices={[...choices, { value: "", label: words.now }]}
        />
        <TextField label={words.searchLabel} value={path} placeholder="/etc" onChange={(value) => set({ path: value })} />
      </div>
      {from === to ? (
        <p>{words.same}</p>
      ) : (
        <>
          <SettingChanges instance={instance} before={ordered.find((each) => each.name === from)} after={ordered.find((each) => each.name === to)} />
          <FileChanges instance={instance} from={from} to={to} path={path} />
          <CommandLine
            command={holdfast(instance.project, "snapshot", "diff", `${instance.name}/${from}`, to !== "" && to)}
          />
        </>
      )}
    </>
  );
}

interface SettingChangesProps extends TabProps {
  before: Snapshot | undefined;
  /** Absent: the instance as it is now. */
  after: Snapshot | undefined;
}

function SettingChanges({ instance, before, after }: SettingChangesProps) {
  if (before === undefined) return null;
  const now: Pick<Instance, "config" | "devices" | "profiles"> = after ?? instance;
  const keys = differingKeys(before.config, now.config).filter((key) => !key.startsWith("volatile."));
  const devices = differingKeys(before.devices, now.devices);
  if (keys.length + devices.length === 0) return null;
  return (
    <section>
      <h3 className="p-heading--5">{words.config}</h3>
      <dl className="facts">
        {keys.map((key) => (
          <SettingChange key={key} name={key} before={before.config[key]} after={now.config[key]} />
        ))}
        {devices.map((name) => (
          <SettingChange
            key={name}
            name={name}
            before={before.devices[name] && JSON.stringify(before.devices[name])}
            after={now.devices[name] && JSON.stringify(now.devices[name])}
          />
        ))}
      </dl>
    </section>
  );
}

function SettingChange({ name, before, after }: { name: string; before: string | undefined; after: string | undefined }) {
  return (
    <>
      <dt>
        <code>{name}</code>
      </dt>
      <dd>
        {before === undefined ? texts.none : <del>{before}</del>} → {after === undefined ? texts.none : <ins>{after}</ins>}
      </dd>
    </>
  );
}

interface FileChangesProps extends TabProps {
  from: string;
  to: string;
  path: string;
}

function FileChanges({ instance, from, to, path }: FileChangesProps) {
  const query = { from, to, limit: PAGE_ENTRIES, ...(path === "" ? {} : { path }) };
  const changes = useChangePages(instance.name, instance.project, query, path === "" || path.startsWith("/"));
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
