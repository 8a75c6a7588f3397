// The columns of the list of instances. What must be asked for each instance is asked only for the rows in sight.
import { Link } from "react-router-dom";
import { api } from "../../api/client";
import { useInstanceState, type Instance } from "../../api/resources/instances";
import type { Safety } from "../../api/resources/safety";
import { sizeKey } from "../../api/resources/usage";
import { Absent } from "../../components/absent";
import { ActionMenu, type MenuAction } from "../../components/action-menu";
import { Age, parseTime } from "../../components/age";
import { Bytes } from "../../components/bytes";
import type { Column } from "../../components/data-table";
import { MeasuredSize } from "../../components/measured-size";
import { instanceAddress } from "../../components/project";
import { StatusLabel } from "../../components/status-label";
import { texts } from "../../text";
import { imageOf } from "./instance-filter";

const words = texts.instances;

/** The key of what is told of an instance's safety. */
export const safetyKey = (project: string, name: string): string => `${project}/${name}`;

export function instanceColumns(
  isOfAllProjects: boolean,
  safety: ReadonlyMap<string, Safety>,
  sizes: ReadonlyMap<string, number>,
  actionsOf: (instance: Instance) => MenuAction[],
): Column<Instance>[] {
  const safetyOf = (instance: Instance) => safety.get(safetyKey(instance.project, instance.name));
  const projectColumn: Column<Instance> = {
    key: "project",
    title: texts.project,
    cell: (instance) => instance.project,
    sort: (instance) => instance.project,
  };
  return [
    {
      key: "name",
      title: texts.name,
      isHeader: true,
      cell: (instance) => <NameCell instance={instance} />,
      sort: (instance) => instance.name,
    },
    ...(isOfAllProjects ? [projectColumn] : []),
    {
      key: "state",
      title: words.state,
      cell: (instance) => <StatusLabel status={instance.status} />,
      sort: (instance) => instance.status,
    },
    {
      key: "image",
      title: words.image,
      className: "wide-cell",
      cell: (instance) => imageOf(instance) || <Absent />,
      sort: imageOf,
    },
    { key: "pool", title: texts.pool, className: "short-cell", cell: poolOf, sort: poolOf },
    {
      key: "memory",
      title: words.memory,
      className: "number-cell",
      cell: (instance) => <MemoryCell instance={instance} />,
    },
    {
      key: "disk",
      title: words.disk,
      className: "number-cell",
      cell: ({ name, project }) => (
        <MeasuredSize path={api`/1.0/instances/${name}`} project={project} name={name} />
      ),
      sort: ({ name, project }) => sizes.get(sizeKey(api`/1.0/instances/${name}`, project)),
    },
    {
      key: "snapshot",
      title: words.newest,
      className: "word-cell",
      cell: (instance) => <NewestSnapshot instance={instance} safety={safetyOf(instance)} />,
      sort: (instance) => parseTime(safetyOf(instance)?.newest_snapshot_at) ?? 0,
    },
    {
      key: "export",
      title: words.newestExport,
      className: "word-cell",
      cell: (instance) => <Age time={safetyOf(instance)?.newest_export_at} absent={words.noSnapshot} />,
      sort: (instance) => parseTime(safetyOf(instance)?.newest_export_at) ?? 0,
    },
    {
      key: "actions",
      title: texts.actions,
      isTitleHidden: true,
      className: "button-cell",
      cell: (instance) => (
        <ActionMenu
          label="⋯"
          ariaLabel={words.actionsOf(instance.name)}
          className="p-button--base icon-button"
          actions={actionsOf(instance)}
        />
      ),
    },
  ];
}

function poolOf(instance: Instance): string {
  const root = Object.values(instance.expanded_devices).find((device) => device["path"] === "/");
  return root?.["pool"] ?? "";
}

function NameCell({ instance }: { instance: Instance }) {
  return (
    <span className="name-cell">
      <Link to={instanceAddress(instance.name, instance.project)}>{instance.name}</Link>
      {instance.description !== "" && <span className="name-cell__more">{instance.description}</span>}
    </span>
  );
}

function MemoryCell({ instance }: { instance: Instance }) {
  const state = useInstanceState(instance.name, instance.project);
  return <Bytes value={instance.status === "Stopped" ? undefined : state.data?.memory.usage} />;
}

function NewestSnapshot({ instance, safety }: { instance: Instance; safety: Safety | undefined }) {
  if (safety === undefined) return <span className="u-text--muted">…</span>;
  return (
    <Link to={instanceAddress(instance.name, instance.project, "snapshots")} className="quiet-link">
      <Age time={safety.newest_snapshot_at} absent={words.noSnapshot} />
      {safety.snapshots > 0 && <span className="u-text--muted">{` (${safety.snapshots})`}</span>}
    </Link>
  );
}
