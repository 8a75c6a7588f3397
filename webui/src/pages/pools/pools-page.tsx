// Storage pools: the list, and the page of one.
import { useState } from "react";
import { Link, Route, Routes } from "react-router-dom";
import { usePoolResources, type Pool } from "../../api/resources/pools";
import { usePools } from "../../api/resources/server";
import { CommandLine } from "../../components/command-line";
import { holdfast } from "../../components/command";
import { DataTable, type Column } from "../../components/data-table";
import { Loaded } from "../../components/loaded";
import { Page } from "../../components/page";
import { SpaceBar } from "../../components/space-bar";
import { StatusLabel } from "../../components/status-label";
import { usersOf } from "../../components/used-by";
import { texts } from "../../text";
import { CreatePool } from "./create-pool";
import { PoolPage } from "./pool-page";

const words = texts.pools;

export const poolAddress = (name: string, tab = ""): string =>
  `/pools/${encodeURIComponent(name)}${tab === "" ? "" : `/${tab}`}`;

const COLUMNS: Column<Pool>[] = [
  {
    key: "name",
    title: texts.name,
    isHeader: true,
    cell: (pool) => (
      <span className="name-cell">
        <Link to={poolAddress(pool.name)}>{pool.name}</Link>
        {pool.description !== "" && <span className="name-cell__more">{pool.description}</span>}
      </span>
    ),
    sort: (pool) => pool.name,
  },
  { key: "driver", title: words.driver, cell: (pool) => pool.driver, sort: (pool) => pool.driver },
  { key: "status", title: texts.status, cell: (pool) => <StatusLabel status={pool.status} /> },
  { key: "space", title: words.space, cell: (pool) => <PoolSpace pool={pool.name} /> },
  {
    key: "used",
    title: words.usedBy,
    cell: (pool) => words.things(usersOf(pool.used_by).length),
    sort: (pool) => usersOf(pool.used_by).length,
  },
];

export default function PoolsPage() {
  return (
    <Routes>
      <Route index element={<PoolList />} />
      <Route path=":name/*" element={<PoolPage />} />
    </Routes>
  );
}

function PoolList() {
  const pools = usePools();
  const [isCreating, setCreating] = useState(false);
  return (
    <Page
      title={texts.pages.pools}
      actions={
        <button type="button" className="p-button--positive" onClick={() => setCreating(true)}>
          {words.create}
        </button>
      }
    >
      <Loaded query={pools}>
        {(all) => (
          <DataTable
            caption={texts.pages.pools}
            columns={COLUMNS}
            rows={all}
            rowKey={(pool) => pool.name}
            sortedBy="name"
            empty={words.empty}
          />
        )}
      </Loaded>
      <CommandLine command={holdfast("default", "storage", "list")} />
      {isCreating && <CreatePool onClose={() => setCreating(false)} />}
    </Page>
  );
}

function PoolSpace({ pool }: { pool: string }) {
  const resources = usePoolResources(pool);
  if (resources.data === undefined) return null;
  const { used, total } = resources.data.space;
  return (
    <div className="space-cell">
      <SpaceBar label={`${words.space}: ${pool}`} used={used} total={total} />
    </div>
  );
}
