// What an instance is, what it uses, and how safe it is.
import { Link } from "react-router-dom";
import { api } from "../../api/client";
import { useBackups } from "../../api/resources/backups";
import { useInstanceState, type InstanceState } from "../../api/resources/instances";
import { useSchedules, useSnapshots } from "../../api/resources/snapshots";
import { Age } from "../../components/age";
import { formatBytes } from "../../components/bytes";
import { MeasuredSize } from "../../components/measured-size";
import { Loaded } from "../../components/loaded";
import { inProject, instanceAddress, volumeAddress } from "../../components/project";
import { SafetyCard } from "../../components/safety-card";
import { texts } from "../../text";
import { imageOf } from "../instances/instance-filter";
import { UndoNote } from "./snapshots/undo-note";
import type { TabProps } from "./instance-page";

const words = texts.instance.overview;

export function OverviewTab({ instance }: TabProps) {
  return (
    <>
      <UndoNote instance={instance} />
      <div className="card-grid">
        <Safety instance={instance} />
        <UseCard instance={instance} />
        <FactsCard instance={instance} />
      </div>
    </>
  );
}

function FactsCard({ instance }: TabProps) {
  const pool = Object.values(instance.expanded_devices).find((device) => device["path"] === "/")?.["pool"];
  const volumes = Object.values(instance.expanded_devices).filter((device) => device["type"] === "disk" && device["source"]);
  return (
    <section className="card">
      <h2 className="p-heading--5">{words.facts}</h2>
      <dl className="facts">
        <dt>{words.type}</dt>
        <dd>{texts.instances.types[instance.type as "container"] ?? instance.type}</dd>
        <dt>{words.image}</dt>
        <dd>{imageOf(instance) || texts.unknown}</dd>
        <dt>{words.profiles}</dt>
        <dd>
          <Links
            to={instance.profiles.map((name) => ({
              name,
              address: inProject(`/profiles/${encodeURIComponent(name)}`, instance.project),
            }))}
          />
        </dd>
        <dt>{words.pool}</dt>
        <dd>
          <Links to={pool === undefined ? [] : [{ name: pool, address: `/pools/${encodeURIComponent(pool)}` }]} />
        </dd>
        <dt>{words.volumes}</dt>
        <dd>
          <Links to={volumes.map((device) => placeOf(device, instance.project))} />
        </dd>
        <dt>{words.architecture}</dt>
        <dd>{instance.architecture}</dd>
        <dt>{words.disk}</dt>
        <dd>
          <MeasuredSize
            path={api`/1.0/instances/${instance.name}`}
            project={instance.project}
            name={instance.name}
          />
        </dd>
        <dt>{texts.created}</dt>
        <dd>
          <Age time={instance.created_at} />
        </dd>
        <dt>{words.lastUsed}</dt>
        <dd>
          <Age time={instance.last_used_at} />
        </dd>
      </dl>
      {instance.ephemeral && <p>{words.ephemeral}</p>}
    </section>
  );
}

interface Linked {
  name: string;
  address: string | undefined;
}

function Links({ to }: { to: Linked[] }) {
  if (to.length === 0) return <>{texts.none}</>;
  return (
    <>
      {to.map(({ name, address }, index) => (
        <span key={name}>
          {index > 0 && ", "}
          {address === undefined ? name : <Link to={address}>{name}</Link>}
        </span>
      ))}
    </>
  );
}

/** A disk that shows a volume, or a directory of the server. */
function placeOf({ pool, source = "" }: Record<string, string>, project: string): Linked {
  if (pool === undefined) return { name: source, address: undefined };
  return { name: `${pool}/${source}`, address: volumeAddress(pool, source, project) };
}

function UseCard({ instance }: TabProps) {
  const state = useInstanceState(instance.name, instance.project);
  return (
    <section className="card">
      <h2 className="p-heading--5">{words.use}</h2>
      {instance.status === "Stopped" ? (
        <p>{words.notRunning}</p>
      ) : (
        <Loaded query={state}>{(found) => <UseFacts state={found} />}</Loaded>
      )}
      {instance.status !== "Stopped" && (
        <p className="card__foot">
          {words.readAt} <Age time={new Date(state.dataUpdatedAt).toISOString()} />{" "}
          <button type="button" className="p-button is-small" onClick={() => void state.refetch()}>
            {words.refresh}
          </button>
        </p>
      )}
    </section>
  );
}

function UseFacts({ state }: { state: InstanceState }) {
  const addresses = Object.entries(state.network ?? {}).flatMap(([name, network]) =>
    name === "lo" ? [] : network.addresses.filter((each) => each.scope === "global").map((each) => each.address),
  );
  const interfaces = Object.entries(state.network ?? {}).filter(([name]) => name !== "lo");
  const sum = (key: "bytes_received" | "bytes_sent") =>
    interfaces.reduce((total, [, network]) => total + (network.counters[key] ?? 0), 0);
  return (
    <dl className="facts">
      <dt>{words.memory}</dt>
      <dd>
        {formatBytes(state.memory.usage)}
        {state.memory.usage_peak > 0 && `, ${words.peak(formatBytes(state.memory.usage_peak))}`}
      </dd>
      <dt>{words.processes}</dt>
      <dd>{state.processes}</dd>
      <dt>{words.cpu}</dt>
      <dd>{words.seconds(Math.round(state.cpu.usage / 1e9))}</dd>
      {interfaces.length === 0 ? (
        <>
          <dt>{words.network}</dt>
          <dd>{words.noNetwork}</dd>
        </>
      ) : (
        <>
          <dt>{words.addresses}</dt>
          <dd>{addresses.join(", ") || texts.none}</dd>
          <dt>{words.received}</dt>
          <dd>{formatBytes(sum("bytes_received"))}</dd>
          <dt>{words.sent}</dt>
          <dd>{formatBytes(sum("bytes_sent"))}</dd>
        </>
      )}
    </dl>
  );
}

function Safety({ instance: { name, project } }: TabProps) {
  const snapshots = useSnapshots(name, project);
  const backups = useBackups(name, project);
  const schedules = useSchedules(project);
  return (
    <SafetyCard
      snapshots={snapshots.data}
      exports={backups.data}
      schedules={schedules.data?.filter((each) => each.type === "instance" && each.name === name)}
      addressOf={(tab) => instanceAddress(name, project, tab)}
    />
  );
}
