// All custom volumes of a project, or of all projects.
import { useMemo, useState } from "react";
import { useNavigate } from "react-router-dom";
import { usePools } from "../../api/resources/server";
import { useRememberedSizes } from "../../api/resources/usage";
import { useVolumes, type ListedVolume } from "../../api/resources/volumes";
import { ActionMenu } from "../../components/action-menu";
import { DataTable } from "../../components/data-table";
import { ErrorNote } from "../../components/error-note";
import { Loading } from "../../components/loaded";
import { Page } from "../../components/page";
import { useProject, useProjectFilter } from "../../components/project";
import { SearchBox } from "../../components/search-box";
import { texts } from "../../text";
import { CreateVolume } from "./create-volume";
import { CopyVolume } from "./copy-volume";
import { ImportVolume } from "./import-volume";
import { useVolumeActions } from "./use-volume-actions";
import { volumeColumns } from "./volume-columns";

const words = texts.volumes;

export default function VolumesPage() {
  const project = useProjectFilter();
  const volumes = useVolumes(project);
  return (
    <Page title={words.title} actions={<CreateMenu volumes={volumes.data ?? []} />}>
      {volumes.isError ? (
        <ErrorNote error={volumes.error} title={texts.error.loading} onRetry={volumes.refetch} />
      ) : volumes.data === undefined ? (
        <Loading />
      ) : (
        <VolumeList all={volumes.data} project={project} />
      )}
    </Page>
  );
}

function CreateMenu({ volumes }: { volumes: ListedVolume[] }) {
  const project = useProject();
  const [way, setWay] = useState<"empty" | "file" | "snapshot">();
  const close = () => setWay(undefined);
  const own = volumes.filter((each) => each.project === project);
  return (
    <>
      <ActionMenu
        className="p-button--positive"
        label={words.create}
        actions={(["empty", "file", "snapshot"] as const).map((each) => ({
          label: words.createWays[each],
          onSelect: () => setWay(each),
          disabled: each === "snapshot" && own.length === 0,
        }))}
      />
      {way === "empty" && <CreateVolume project={project} onClose={close} />}
      {way === "file" && <ImportVolume project={project} onClose={close} />}
      {way === "snapshot" && <CopyVolume project={project} choices={own} onClose={close} />}
    </>
  );
}

function VolumeList({ all, project }: { all: ListedVolume[]; project: string | undefined }) {
  const [wanted, setWanted] = useState("");
  const [pool, setPool] = useState("");
  const pools = usePools();
  const navigate = useNavigate();
  const { actionsOf, dialog } = useVolumeActions(navigate);
  const sizes = useRememberedSizes(project);
  const columns = useMemo(
    () => volumeColumns(project === undefined, sizes, actionsOf),
    // The actions only open dialogs: new ones for each drawing are the same.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [project, sizes],
  );
  const shown = all.filter(
    (each) =>
      (pool === "" || each.pool === pool) &&
      `${each.name} ${each.description}`.toLowerCase().includes(wanted.trim().toLowerCase()),
  );
  if (all.length === 0) return <p className="table-empty">{words.empty}</p>;
  return (
    <>
      <div className="toolbar" role="search">
        <SearchBox label={words.searchLabel} value={wanted} onChange={setWanted} />
        <select aria-label={texts.pool} value={pool} onChange={(event) => setPool(event.target.value)}>
          <option value="">{words.anyPool}</option>
          {(pools.data ?? []).map((each) => (
            <option key={each.name} value={each.name}>
              {each.name}
            </option>
          ))}
        </select>
      </div>
      <span className="table-count" role="status">
        {texts.table.count(shown.length, all.length)}
      </span>
      <DataTable
        caption={words.title}
        columns={columns}
        rows={shown}
        rowKey={(each) => `${each.project}/${each.pool}/${each.name}`}
        sortedBy="name"
        empty={texts.table.noMatch}
      />
      {dialog}
    </>
  );
}
