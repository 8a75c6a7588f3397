// One storage pool: how full it is, what is in it, its settings.
import { lazy, useState } from "react";
import { Route, Routes, useNavigate, useParams } from "react-router-dom";
import { ApiError } from "../../api/client";
import { deletePool, putPool, usePool, usePoolResources, type Pool } from "../../api/resources/pools";
import { holdfast } from "../../components/command";
import { ConfirmDialog } from "../../components/confirm-dialog";
import { Loaded } from "../../components/loaded";
import { NotFound } from "../../components/not-found";
import { Page } from "../../components/page";
import { SpaceBar } from "../../components/space-bar";
import { StatusLabel } from "../../components/status-label";
import { Tabs } from "../../components/tabs";
import { UsedBy } from "../../components/used-by";
import { texts } from "../../text";
import { PoolSettings } from "./pool-settings";
import { poolAddress } from "./pools-page";

const YamlEditor = lazy(() => import("../../components/yaml-editor").then((module) => ({ default: module.YamlEditor })));

const words = texts.pools;

export function PoolPage() {
  const { name = "" } = useParams();
  const pool = usePool(name);
  if (pool.error instanceof ApiError && pool.error.status === 404) {
    return (
      <Page title={name}>
        <p>{words.gone(name)}</p>
      </Page>
    );
  }
  return <Loaded query={pool}>{(found) => <PoolFrame pool={found} />}</Loaded>;
}

function PoolFrame({ pool }: { pool: Pool }) {
  const [isDeleting, setDeleting] = useState(false);
  const navigate = useNavigate();
  const { name } = pool;
  return (
    <Page
      title={name}
      heading={
        <>
          {name} <StatusLabel status={pool.status} />
        </>
      }
      actions={
        <button type="button" className="p-button--negative" onClick={() => setDeleting(true)}>
          {words.remove}
        </button>
      }
    >
      <Tabs
        label={words.tabs.label(name)}
        tabs={[
          { label: words.tabs.overview, to: poolAddress(name), isExact: true },
          { label: words.tabs.settings, to: poolAddress(name, "settings") },
          { label: words.tabs.yaml, to: poolAddress(name, "yaml") },
        ]}
      />
      <Routes>
        <Route index element={<PoolOverview pool={pool} />} />
        <Route path="settings" element={<PoolSettings key={name} pool={pool} />} />
        <Route
          path="yaml"
          element={
            <YamlEditor
              what={name}
              document={{ description: pool.description, config: pool.config ?? {} }}
              command={`${holdfast("default", "storage", "edit", name)} < ${name}.yaml`}
              save={(document) => putPool(name, document)}
            />
          }
        />
        <Route path="*" element={<NotFound />} />
      </Routes>
      {isDeleting && (
        <ConfirmDialog
          action={{ title: words.removeTitle(name), done: words.removed(name), run: () => deletePool(name) }}
          command={holdfast("default", "storage", "delete", name)}
          submit={texts.delete}
          typed={name}
          onClose={() => setDeleting(false)}
          onDone={() => navigate("/pools", { replace: true })}
        >
          <p>{words.removeIntro}</p>
          {pool.used_by.length > 0 && <p className="is-bad">{words.removeUsed(pool.used_by.length)}</p>}
        </ConfirmDialog>
      )}
    </Page>
  );
}

function PoolOverview({ pool }: { pool: Pool }) {
  const resources = usePoolResources(pool.name);
  return (
    <div className="card-grid">
      <section className="card">
        <h2 className="p-heading--5">{words.space}</h2>
        <Loaded query={resources}>
          {({ space, inodes }) => (
            <>
              <SpaceBar label={words.space} used={space.used} total={space.total} />
              {inodes.total > 0 && (
                <p>
                  {words.inodes}: {inodes.used.toLocaleString()} / {inodes.total.toLocaleString()}
                </p>
              )}
            </>
          )}
        </Loaded>
        <dl className="facts">
          <dt>{words.driver}</dt>
          <dd>{pool.driver}</dd>
          {pool.config?.["source"] !== undefined && (
            <>
              <dt>{words.source}</dt>
              <dd>
                <code>{pool.config["source"]}</code>
              </dd>
            </>
          )}
          {pool.description !== "" && (
            <>
              <dt>{texts.description}</dt>
              <dd>{pool.description}</dd>
            </>
          )}
        </dl>
      </section>
      <section className="card">
        <h2 className="p-heading--5">{words.usedBy}</h2>
        <UsedBy urls={pool.used_by} nobody={words.nobody} />
      </section>
    </div>
  );
}
