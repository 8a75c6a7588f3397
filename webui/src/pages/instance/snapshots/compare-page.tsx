// What changed between two points: files added, changed and removed, and settings.
import { api } from "../../../api/client";
import type { Instance } from "../../../api/resources/instances";
import { useSnapshots, type Snapshot } from "../../../api/resources/snapshots";
import { holdfast } from "../../../components/command";
import { CompareFrame } from "../../../components/compare-frame";
import { texts } from "../../../text";
import type { TabProps } from "../instance-page";
import { differingKeys } from "../../../components/snapshot-facts";

const words = texts.snapshots.compare;

export default function ComparePage({ instance }: TabProps) {
  const { name, project } = instance;
  return (
    <CompareFrame
      place={{ name, project }}
      subject={api`/1.0/instances/${name}`}
      query={useSnapshots(name, project)}
      commandOf={(from, to) => holdfast(project, "snapshot", "diff", `${name}/${from}`, to !== "" && to)}
      settings={(before, after) => <SettingChanges instance={instance} before={before} after={after} />}
    />
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
            before={deviceInWords(before.devices[name])}
            after={deviceInWords(now.devices[name])}
          />
        ))}
      </dl>
    </section>
  );
}

function deviceInWords(device: Record<string, string> | undefined): string | undefined {
  return device && Object.entries(device).map(([key, value]) => `${key}=${value}`).join(", ");
}

function SettingChange({ name, before, after }: { name: string; before: string | undefined; after: string | undefined }) {
  return (
    <>
      <dt>
        <code>{name}</code>
      </dt>
      <dd>
        {before === undefined ? texts.none : <del>{before}</del>} {words.becomes} {after === undefined ? texts.none : <ins>{after}</ins>}
      </dd>
    </>
  );
}
