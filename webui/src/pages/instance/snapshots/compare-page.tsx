// What changed between two points: files added, changed and removed, and settings.
import { api } from "../../../api/client";
import type { Instance } from "../../../api/resources/instances";
import { useSnapshots, type Snapshot } from "../../../api/resources/snapshots";
import { CommandLine } from "../../../components/command-line";
import { holdfast } from "../../../components/command";
import { FileChanges } from "../../../components/file-changes";
import { Loaded } from "../../../components/loaded";
import { useChosenPoints } from "../../../components/chosen-points";
import { texts } from "../../../text";
import type { TabProps } from "../instance-page";
import { differingKeys } from "./snapshot-facts";

const words = texts.snapshots.compare;
export default function ComparePage({ instance }: TabProps) {
  const snapshots = useSnapshots(instance.name, instance.project);
  return (
    <>
      <h2 className="p-heading--4">{words.title}</h2>
      <Loaded query={snapshots}>{(all) => <Comparison instance={instance} snapshots={all} />}</Loaded>
    </>
  );
}

function Comparison({ instance, snapshots }: TabProps & { snapshots: Snapshot[] }) {
  const { name, project } = instance;
  const { from, to, path, fields } = useChosenPoints(snapshots);
  const pointOf = (wanted: string) => snapshots.find((each) => each.name === wanted);
  return (
    <>
      {fields}
      {from === to ? (
        <p>{words.same}</p>
      ) : (
        <>
          <SettingChanges instance={instance} before={pointOf(from)} after={pointOf(to)} />
          <FileChanges subject={api`/1.0/instances/${name}`} project={project} from={from} to={to} path={path} />
          <CommandLine command={holdfast(project, "snapshot", "diff", `${name}/${from}`, to !== "" && to)} />
        </>
      )}
    </>
  );
}

interface SettingChangesProps extends TabProps {
  before: Snapshot | undefined;
  /** Absent: the instance as it is now. */
  after: Snapshot | undefined;
}

function SettingChanges({ instance, before, after }: SettingChangesProps) {
  if (before === undefined) return null;
  const now: Pick<Instance, "config" | "devices" | "profiles"> = after ?? instance;
  const keys = differingKeys(before.config, now.config).filter((key) => !key.startsWith("volatile."));
  const devices = differingKeys(before.devices, now.devices);
  if (keys.length + devices.length === 0) return null;
  return (
    <section>
      <h3 className="p-heading--5">{words.config}</h3>
      <dl className="facts">
        {keys.map((key) => (
          <SettingChange key={key} name={key} before={before.config[key]} after={now.config[key]} />
        ))}
        {devices.map((name) => (
          <SettingChange
            key={name}
            name={name}
            before={before.devices[name] && JSON.stringify(before.devices[name])}
            after={now.devices[name] && JSON.stringify(now.devices[name])}
          />
        ))}
      </dl>
    </section>
  );
}

function SettingChange({ name, before, after }: { name: string; before: string | undefined; after: string | undefined }) {
  return (
    <>
      <dt>
        <code>{name}</code>
      </dt>
      <dd>
        {before === undefined ? texts.none : <del>{before}</del>} → {after === undefined ? texts.none : <ins>{after}</ins>}
      </dd>
    </>
  );
}
