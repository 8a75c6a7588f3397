// How safe everything is: what needs attention first, then what runs, then each instance and volume, then space.
import { useState } from "react";
import { Link } from "react-router-dom";
import { isRunning, useOperations } from "../../api/operations";
import { usePoolResources, type Pool } from "../../api/resources/pools";
import { useProtections } from "../../api/resources/protections";
import { usePools } from "../../api/resources/server";
import { useSafety } from "../../api/resources/safety";
import { useSchedules } from "../../api/resources/snapshots";
import { useNow } from "../../components/age";
import { ErrorNote } from "../../components/error-note";
import { useFullAccess } from "../../components/full-access";
import { Loaded, Loading } from "../../components/loaded";
import { OperationTable } from "../../components/operation-table";
import { Page } from "../../components/page";
import { useProjectFilter } from "../../components/project";
import { SpaceBar } from "../../components/space-bar";
import { texts } from "../../text";
import { Attention } from "./attention";
import { subjectsOf, type SafetyState } from "./safety";
import { SafetyTable } from "./safety-table";

const words = texts.overview;

export default function OverviewPage() {
  return (
    <Page title={texts.pages.overview}>
      <Safety />
      <Space />
    </Page>
  );
}

function Safety() {
  const project = useProjectFilter();
  const now = useNow();
  const safeties = useSafety(project);
  const schedules = useSchedules(project);
  const protections = useProtections(useFullAccess());
  const [state, setState] = useState<SafetyState | "">("");
  const failed = [safeties, schedules, protections].find((each) => each.isError);
  if (failed !== undefined) {
    return <ErrorNote error={failed.error} title={texts.error.loading} onRetry={() => void failed.refetch()} />;
  }
  if (safeties.data === undefined || schedules.data === undefined) return <Loading />;
  const known = protections.data ?? [];
  const subjects = subjectsOf(safeties.data, schedules.data, known, now);
  const showOnly = (wanted: SafetyState) => {
    setState(wanted);
    document.getElementById("safety")?.scrollIntoView();
  };
  return (
    <>
      <Attention subjects={subjects} protections={known} onShow={showOnly} />
      <RunningWork />
      <SafetyTable subjects={subjects} isOfAllProjects={project === undefined} state={state} onState={setState} />
    </>
  );
}

function RunningWork() {
  const running = useOperations().filter(isRunning);
  if (running.length === 0) return null;
  return (
    <section aria-labelledby="running">
      <h2 className="p-heading--4" id="running">
        {words.running}
      </h2>
      <OperationTable caption={words.running} operations={running} empty="" />
    </section>
  );
}

function Space() {
  const pools = usePools();
  return (
    <section aria-labelledby="space">
      <h2 className="p-heading--4" id="space">
        {words.pools}
      </h2>
      <Loaded query={pools}>
        {(all) => (
          <div className="card-grid">
            {all.map((pool) => (
              <PoolSpace key={pool.name} pool={pool} />
            ))}
          </div>
        )}
      </Loaded>
    </section>
  );
}

function PoolSpace({ pool }: { pool: Pool }) {
  const resources = usePoolResources(pool.name);
  return (
    <div className="card">
      <h3 className="p-heading--5">
        <Link to={`/pools/${encodeURIComponent(pool.name)}`}>{pool.name}</Link>{" "}
        <span className="u-text--muted">{pool.driver}</span>
      </h3>
      <Loaded query={resources}>
        {({ space }) => <SpaceBar label={`${words.pools}: ${pool.name}`} used={space.used} total={space.total} />}
      </Loaded>
    </div>
  );
}
