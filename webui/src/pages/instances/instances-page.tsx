// All instances of a project, or of all projects.
import { useMemo, useState } from "react";
import { useInstances, type Instance } from "../../api/resources/instances";
import { useSafety } from "../../api/resources/safety";
import { useRememberedSizes } from "../../api/resources/usage";
import { ActionMenu } from "../../components/action-menu";
import { DataTable } from "../../components/data-table";
import { Loaded } from "../../components/loaded";
import { Page } from "../../components/page";
import { useProject, useProjectFilter } from "../../components/project";
import { SearchBox } from "../../components/search-box";
import { texts } from "../../text";
import { BulkActions } from "./bulk-actions";
import { CreateFromFile } from "./create-from-file";
import { CreateFromImage } from "./create-from-image";
import { CreateFromSnapshot } from "./create-from-snapshot";
import { instanceColumns, safetyKey } from "./instance-columns";
import { passes, useInstanceFilter, type InstanceFilter } from "./instance-filter";
import { useInstanceActions } from "./use-instance-actions";

const words = texts.instances;
const keyOf = (instance: Instance) => `${instance.project}/${instance.name}`;

export default function InstancesPage() {
  const project = useProjectFilter();
  const instances = useInstances(project);
  return (
    <Page title={words.title} actions={<CreateMenu />}>
      <Loaded query={instances}>{(all) => <InstanceList all={all} isOfAllProjects={project === undefined} />}</Loaded>
    </Page>
  );
}

function CreateMenu() {
  const project = useProject();
  const [way, setWay] = useState<"image" | "file" | "snapshot">();
  const close = () => setWay(undefined);
  return (
    <>
      <ActionMenu
        className="p-button--positive"
        label={words.create}
        actions={(["image", "file", "snapshot"] as const).map((each) => ({
          label: words.createWays[each],
          onSelect: () => setWay(each),
        }))}
      />
      {way === "image" && <CreateFromImage project={project} onClose={close} />}
      {way === "file" && <CreateFromFile project={project} onClose={close} />}
      {way === "snapshot" && <CreateFromSnapshot project={project} onClose={close} />}
    </>
  );
}

function InstanceList({ all, isOfAllProjects }: { all: Instance[]; isOfAllProjects: boolean }) {
  const { filter, setFilter } = useInstanceFilter();
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const { actionsOf, dialog } = useInstanceActions();
  const project = useProjectFilter();
  const safety = useSafety(project);
  const sizes = useRememberedSizes(project);
  const safetyByKey = useMemo(
    () =>
      new Map(
        (safety.data ?? []).filter((each) => each.type === "instance").map((each) => [safetyKey(each.project, each.name), each]),
      ),
    [safety.data],
  );
  const shown = useMemo(() => all.filter((instance) => passes(instance, filter)), [all, filter]);
  const columns = useMemo(
    () => instanceColumns(isOfAllProjects, safetyByKey, sizes, actionsOf),
    // The actions only open dialogs: new ones for each drawing are the same.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [isOfAllProjects, safetyByKey, sizes],
  );
  const chosen = shown.filter((instance) => selected.has(keyOf(instance)));
  if (all.length === 0) return <p className="table-empty">{words.empty}</p>;
  return (
    <>
      <Filters filter={filter} onChange={setFilter} />
      <div className="toolbar">
        <span className="table-count" role="status">
          {texts.table.count(shown.length, all.length)}
        </span>
        <BulkActions instances={chosen} onDone={() => setSelected(new Set())} />
      </div>
      <DataTable
        caption={words.title}
        columns={columns}
        rows={shown}
        rowKey={keyOf}
        rowName={(instance) => instance.name}
        sortedBy="name"
        selection={{ keys: selected, onChange: setSelected }}
        empty={texts.table.noMatch}
      />
      {dialog}
    </>
  );
}

interface FiltersProps {
  filter: InstanceFilter;
  onChange: (change: Partial<InstanceFilter>) => void;
}

function Filters({ filter, onChange }: FiltersProps) {
  return (
    <div className="toolbar" role="search">
      <SearchBox label={words.searchLabel} value={filter.words} onChange={(value) => onChange({ words: value })} />
      <FilterChoice
        label={words.state}
        any={words.anyState}
        choices={words.states}
        value={filter.state}
        onChange={(state) => onChange({ state })}
      />
      <FilterChoice
        label={words.type}
        any={words.anyType}
        choices={words.types}
        value={filter.type}
        onChange={(type) => onChange({ type })}
      />
    </div>
  );
}

interface FilterChoiceProps {
  label: string;
  any: string;
  choices: Record<string, string>;
  value: string;
  onChange: (value: string) => void;
}

function FilterChoice({ label, any, choices, value, onChange }: FilterChoiceProps) {
  return (
    <select aria-label={label} value={value} onChange={(event) => onChange(event.target.value)}>
      <option value="">{any}</option>
      {Object.entries(choices).map(([choice, shown]) => (
        <option key={choice} value={choice}>
          {shown}
        </option>
      ))}
    </select>
  );
}
