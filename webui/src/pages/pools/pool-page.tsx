// One storage pool: how full it is, what is in it, its settings.
import { useState } from "react";
import { Route, Routes, useNavigate, useParams } from "react-router-dom";
import { ApiError } from "../../api/client";
import { deletePool, putPool, usePool, usePoolResources, type Pool } from "../../api/resources/pools";
import { holdfast } from "../../components/command";
import { applied } from "../../components/config/applied";
import { ConfigSection } from "../../components/config/config-section";
import { YamlEditor } from "../../components/config/yaml-editor";
import { ConfirmDialog } from "../../components/confirm-dialog";
import { DescriptionForm } from "../../components/description-form";
import { Loaded } from "../../components/loaded";
import { NotFound } from "../../components/not-found";
import { Page } from "../../components/page";
import { SpaceBar } from "../../components/space-bar";
import { StatusLabel } from "../../components/status-label";
import { Tabs } from "../../components/tabs";
import { UsedBy, usersOf } from "../../components/used-by";
import { texts } from "../../text";
import { poolAddress } from "./pools-page";

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
          {isLost(pool) ? words.lost.remove : words.remove}
        </button>
      }
    >
      {isLost(pool) && <p className="is-bad">{words.lost.state}</p>}
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
        <Route path="settings" element={<PoolSettings pool={pool} />} />
        <Route
          path="yaml"
          element={
            <YamlEditor
              name={name}
              value={{ description: pool.description, config: pool.config ?? {} }}
              command={editCommand(name)}
              save={(document) => putPool(name, document)}
            />
          }
        />
        <Route path="*" element={<NotFound />} />
      </Routes>
      {isDeleting && <DeletePool pool={pool} onClose={() => setDeleting(false)} />}
    </Page>
  );
}

const isLost = (pool: Pool): boolean => pool.status === "Unavailable";

function DeletePool({ pool, onClose }: { pool: Pool; onClose: () => void }) {
  const navigate = useNavigate();
  const { name } = pool;
  const common = { submit: texts.delete, typed: name, onClose, onDone: () => navigate("/pools", { replace: true }) };
  if (isLost(pool)) {
    const count = usersOf(pool.used_by).length;
    return (
      <ConfirmDialog
        {...common}
        action={{ title: words.lost.title(name), done: words.lost.done(name), run: () => deletePool(name, true) }}
        command={holdfast("default", "storage", "delete", name, "--force")}
        losses={[count > 0 ? words.lost.losses(count) : words.lost.nothing]}
      >
        <p>{words.lost.intro}</p>
      </ConfirmDialog>
    );
  }
  return (
    <ConfirmDialog
      {...common}
      action={{ title: words.removeTitle(name), done: words.removed(name), run: () => deletePool(name) }}
      command={holdfast("default", "storage", "delete", name)}
    >
      <p>{words.removeIntro}</p>
      {pool.used_by.length > 0 && <p className="is-bad">{words.removeUsed(pool.used_by.length)}</p>}
    </ConfirmDialog>
  );
}

const editCommand = (name: string): string => `${holdfast("default", "storage", "edit", name)} < ${name}.yaml`;

function PoolSettings({ pool }: { pool: Pool }) {
  const { name, description } = pool;
  const config = pool.config ?? {};
  return (
    <>
      <DescriptionForm
        what={`${texts.pool} ${name}`}
        description={description}
        command={editCommand(name)}
        save={(text) => putPool(name, { description: text, config })}
      />
      <ConfigSection
        name={name}
        scope={`storage-${pool.driver}`}
        config={config}
        save={(changes) => putPool(name, { description, config: applied(config, changes) })}
        command={(...rest) => holdfast("default", "storage", ...rest)}
        subject={[name]}
        prefix="volume"
      />
    </>
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
