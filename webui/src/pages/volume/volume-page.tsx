// The frame of one volume's pages: name, what can be done, tabs.
import { lazy } from "react";
import { Route, Routes, useNavigate, useParams } from "react-router-dom";
import { ApiError } from "../../api/client";
import { useVolume, type Volume } from "../../api/resources/volumes";
import { ActionMenu } from "../../components/action-menu";
import { Loaded } from "../../components/loaded";
import { NotFound } from "../../components/not-found";
import { Page } from "../../components/page";
import { useProject, volumeAddress } from "../../components/project";
import { Tabs } from "../../components/tabs";
import { texts } from "../../text";
import { useVolumeActions } from "../volumes/use-volume-actions";
import { OverviewTab } from "./overview-tab";

const SnapshotsTab = lazy(() => import("./snapshots-tab"));
const FilesPage = lazy(() => import("./files-page"));
const ComparePage = lazy(() => import("./compare-page"));
const ConfigurationTab = lazy(() => import("./configuration-tab"));
const ExportsTab = lazy(() => import("./exports-tab"));

const words = texts.volumes;

export interface VolumeTabProps {
  volume: Volume;
}

export default function VolumePage() {
  const { pool = "", name = "" } = useParams();
  const project = useProject();
  const volume = useVolume({ pool, name, project });
  const isGone = volume.error instanceof ApiError && volume.error.status === 404;
  if (isGone && volume.data === undefined) {
    return (
      <Page title={name}>
        <p>{words.gone(`${pool}/${name}`)}</p>
      </Page>
    );
  }
  return (
    <Loaded query={volume}>
      {(found) => <VolumeFrame key={`${project}/${pool}/${name}`} volume={{ ...found, pool, project }} isGone={isGone} />}
    </Loaded>
  );
}

interface VolumeFrameProps extends VolumeTabProps {
  /** It was there, and was deleted while one looked: a dialog that did it leads away from here. */
  isGone: boolean;
}

function VolumeFrame({ volume, isGone }: VolumeFrameProps) {
  const navigate = useNavigate();
  const { actionsOf, dialog } = useVolumeActions((address) => navigate(address, { replace: true }), true);
  const { pool, name, project } = volume;
  return (
    <Page
      title={name}
      heading={
        <>
          {name} <span className="u-text--muted">{words.inPool(pool)}</span>
        </>
      }
      actions={<ActionMenu label={texts.actions} actions={actionsOf(volume)} />}
    >
      {volume.description !== "" && <p className="page-description">{volume.description}</p>}
      <Tabs
        label={words.tabs.label(name)}
        tabs={[
          { label: words.tabs.overview, to: volumeAddress(pool, name, project), isExact: true },
          { label: words.tabs.snapshots, to: volumeAddress(pool, name, project, "snapshots") },
          { label: words.tabs.configuration, to: volumeAddress(pool, name, project, "configuration") },
          { label: words.tabs.exports, to: volumeAddress(pool, name, project, "exports") },
        ]}
      />
      {isGone ? <p role="status">{words.gone(`${pool}/${name}`)}</p> : <VolumeRoutes volume={volume} />}
      {dialog}
    </Page>
  );
}

function VolumeRoutes({ volume }: VolumeTabProps) {
  return (
    <Routes>
      <Route index element={<OverviewTab volume={volume} />} />
      <Route path="snapshots" element={<SnapshotsTab volume={volume} />} />
      <Route path="snapshots/compare" element={<ComparePage volume={volume} />} />
      <Route path="snapshots/files/:snapshot?" element={<FilesPage volume={volume} />} />
      <Route path="configuration/*" element={<ConfigurationTab volume={volume} />} />
      <Route path="exports" element={<ExportsTab volume={volume} />} />
      <Route path="*" element={<NotFound />} />
    </Routes>
  );
}
