// The addresses of the pages. Each page is loaded when it is first opened.
import { lazy, useEffect } from "react";
import { Route, Routes } from "react-router-dom";
import { startEvents } from "./api/events";
import { loadOperations } from "./api/operations";
import { Layout } from "./components/layout";
import { NotFound } from "./components/not-found";
import { SignedIn } from "./components/signed-in";

const OverviewPage = lazy(() => import("./pages/overview/overview-page"));
const InstancesPage = lazy(() => import("./pages/instances/instances-page"));
const InstancePage = lazy(() => import("./pages/instance/instance-page"));
const VolumesPage = lazy(() => import("./pages/volumes/volumes-page"));
const VolumePage = lazy(() => import("./pages/volume/volume-page"));
const ImagesPage = lazy(() => import("./pages/images/images-page"));
const PoolsPage = lazy(() => import("./pages/pools/pools-page"));
const ProfilesPage = lazy(() => import("./pages/profiles/profiles-page"));
const ProjectsPage = lazy(() => import("./pages/projects/projects-page"));
const OperationsPage = lazy(() => import("./pages/operations/operations-page"));
const WarningsPage = lazy(() => import("./pages/warnings/warnings-page"));
const ServersPage = lazy(() => import("./pages/servers/servers-page"));
const SettingsPage = lazy(() => import("./pages/settings/settings-page"));

export function App() {
  return (
    <SignedIn>
      <Live />
      <Routes>
        <Route element={<Layout />}>
          <Route index element={<OverviewPage />} />
          <Route path="instances" element={<InstancesPage />} />
          <Route path="instances/:name/*" element={<InstancePage />} />
          <Route path="volumes" element={<VolumesPage />} />
          <Route path="volumes/:pool/:name/*" element={<VolumePage />} />
          <Route path="images/*" element={<ImagesPage />} />
          <Route path="pools/*" element={<PoolsPage />} />
          <Route path="profiles/*" element={<ProfilesPage />} />
          <Route path="projects/*" element={<ProjectsPage />} />
          <Route path="operations" element={<OperationsPage />} />
          <Route path="warnings" element={<WarningsPage />} />
          <Route path="servers/*" element={<ServersPage />} />
          <Route path="settings/*" element={<SettingsPage />} />
          <Route path="*" element={<NotFound />} />
        </Route>
      </Routes>
    </SignedIn>
  );
}

/** Follows the server's events from the moment that one is signed in. */
function Live() {
  useEffect(() => {
    startEvents();
    void loadOperations().catch(() => undefined);
  }, []);
  return null;
}
