// The configuration of a volume: snapshots, all keys, and the YAML.
import { usePool } from "../../api/resources/pools";
import { putVolume } from "../../api/resources/volumes";
import { holdfast } from "../../components/command";
import { applied } from "../../components/config/applied";
import { ConfigSection } from "../../components/config/config-section";
import { ConfigTabs } from "../../components/config/config-tabs";
import { SnapshotSettings } from "../../components/config/snapshot-settings";
import { YamlEditor } from "../../components/config/yaml-editor";
import { DescriptionForm } from "../../components/description-form";
import { Loaded } from "../../components/loaded";
import type { VolumeTabProps } from "./volume-page";

export default function ConfigurationTab({ volume }: VolumeTabProps) {
  return (
    <ConfigTabs
      place={{ pool: volume.pool, name: volume.name, project: volume.project }}
      snapshots={<SnapshotPart volume={volume} />}
      all={<AllPart volume={volume} />}
      yaml={<YamlPart volume={volume} />}
    />
  );
}

const editCommand = ({ pool, name, project }: VolumeTabProps["volume"]): string =>
  `${holdfast(project, "storage", "volume", "edit", pool, name)} < ${name}.yaml`;

function sectionOf({ volume }: VolumeTabProps) {
  const { pool, name, project, config, description } = volume;
  return {
    name,
    config,
    save: (changes: Record<string, string>) => putVolume(volume, { description, config: applied(config, changes) }),
    command: (...rest: string[]) => holdfast(project, "storage", "volume", ...rest),
    subject: [pool, name],
  };
}

function SnapshotPart({ volume }: VolumeTabProps) {
  const { pool, name, project } = volume;
  const names = Object.keys(volume.config);
  return (
    <ConfigSection {...sectionOf({ volume })} scope="storage-dir">
      {(draft) => <SnapshotSettings draft={draft} names={names} project={project} pool={pool} volume={name} />}
    </ConfigSection>
  );
}

function AllPart({ volume }: VolumeTabProps) {
  const pool = usePool(volume.pool);
  const { config } = volume;
  return (
    <>
      <DescriptionForm
        what={volume.name}
        description={volume.description}
        command={editCommand(volume)}
        save={(description) => putVolume(volume, { description, config })}
      />
      <Loaded query={pool}>
        {({ driver }) => <ConfigSection {...sectionOf({ volume })} scope={`storage-${driver}`} />}
      </Loaded>
    </>
  );
}

function YamlPart({ volume }: VolumeTabProps) {
  const { name, description, config } = volume;
  return (
    <YamlEditor
      name={name}
      value={{ description, config }}
      command={editCommand(volume)}
      save={(document) => putVolume(volume, document)}
    />
  );
}
