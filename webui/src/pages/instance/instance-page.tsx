// The frame of one instance's pages: name, state, power, tabs.
import { lazy, type ReactNode } from "react";
import { Link, Route, Routes, useNavigate, useParams } from "react-router-dom";
import { ApiError } from "../../api/client";
import { useInstance, type Instance } from "../../api/resources/instances";
import { ActionMenu } from "../../components/action-menu";
import { Loaded } from "../../components/loaded";
import { NotFound } from "../../components/not-found";
import { Page } from "../../components/page";
import { inProject, instanceAddress, useProject } from "../../components/project";
import { StatusLabel } from "../../components/status-label";
import { Tabs } from "../../components/tabs";
import { texts } from "../../text";
import { useInstanceActions } from "../instances/use-instance-actions";
import { OverviewTab } from "./overview-tab";

const SnapshotsTab = lazy(() => import("./snapshots/snapshots-tab"));
const FilesPage = lazy(() => import("./snapshots/files-page"));
const ComparePage = lazy(() => import("./snapshots/compare-page"));
const ConfigurationTab = lazy(() => import("./configuration/configuration-tab"));
const ExportsTab = lazy(() => import("./exports/exports-tab"));
const CopiesTab = lazy(() => import("./copies/copies-tab"));
const ConsoleTab = lazy(() => import("./console/console-tab"));
const LogsTab = lazy(() => import("./console/logs-tab"));

const words = texts.instance;

export interface TabProps {
  instance: Instance;
}

export default function InstancePage() {
  const { name = "" } = useParams();
  const project = useProject();
  const instance = useInstance(name, project);
  const isGone = instance.error instanceof ApiError && instance.error.status === 404;
  if (isGone && instance.data === undefined) {
    return (
      <Page title={name}>
        <GoneNote name={name} project={project} />
      </Page>
    );
  }
  return (
    <Loaded query={instance}>
      {(found) => <InstanceFrame key={`${project}/${name}`} instance={found} isGone={isGone} />}
    </Loaded>
  );
}

interface InstanceFrameProps extends TabProps {
  /** It was there, and was deleted or renamed while one looked: a dialog that did it leads away from here. */
  isGone: boolean;
}

function InstanceFrame({ instance, isGone }: InstanceFrameProps) {
  const navigate = useNavigate();
  const { name, project } = instance;
  const { actionsOf, dialog } = useInstanceActions((newName) =>
    navigate(newName === undefined ? inProject("/instances", project) : instanceAddress(newName, project), {
      replace: true,
    }),
  );
  const heading = (
    <>
      {name} <StatusLabel status={instance.status} />
    </>
  );
  return (
    <Page
      title={name}
      heading={heading}
      actions={
        <>
          <ActionMenu label={texts.actions} actions={actionsOf(instance)} />
        </>
      }
    >
      {instance.description !== "" && <p className="page-description">{instance.description}</p>}
      <InstanceTabs name={name} project={project} />
      {isGone ? <GoneNote name={name} project={project} /> : <TabRoutes instance={instance} />}
      {dialog}
    </Page>
  );
}

function GoneNote({ name, project }: { name: string; project: string }) {
  return (
    <p role="status">
      {words.gone(name)} <Link to={inProject("/instances", project)}>{texts.instances.title}</Link>
    </p>
  );
}

function InstanceTabs({ name, project }: { name: string; project: string }) {
  const tab = (key: Exclude<keyof typeof words.tabs, "label">, address = key as string) => ({
    label: words.tabs[key],
    to: instanceAddress(name, project, address),
    isExact: address === "",
  });
  return (
    <Tabs
      label={words.tabs.label(name)}
      tabs={[
        tab("overview", ""),
        tab("snapshots"),
        tab("configuration"),
        tab("exports"),
        tab("copies"),
        tab("console"),
        tab("logs"),
      ]}
    />
  );
}

function TabRoutes({ instance }: TabProps): ReactNode {
  return (
    <Routes>
      <Route index element={<OverviewTab instance={instance} />} />
      <Route path="snapshots" element={<SnapshotsTab instance={instance} />} />
      <Route path="snapshots/compare" element={<ComparePage instance={instance} />} />
      <Route path="snapshots/files/:snapshot?" element={<FilesPage instance={instance} />} />
      <Route path="configuration/*" element={<ConfigurationTab instance={instance} />} />
      <Route path="exports" element={<ExportsTab instance={instance} />} />
      <Route path="copies" element={<CopiesTab instance={instance} />} />
      <Route path="console" element={<ConsoleTab instance={instance} />} />
      <Route path="logs" element={<LogsTab instance={instance} />} />
      <Route path="*" element={<NotFound />} />
    </Routes>
  );
}
