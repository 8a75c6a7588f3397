// The configuration of an instance: snapshots, all keys, and the YAML.
import { useConfigKeys } from "../../../api/resources/config-keys";
import { patchInstance, putInstance } from "../../../api/resources/instances";
import { holdfast } from "../../../components/command";
import { ConfigForm } from "../../../components/config/config-form";
import { inheritedConfig, useConfigDraft, type Config } from "../../../components/config/config-draft";
import { SaveBar } from "../../../components/config/save-bar";
import { ConfigTabs } from "../../../components/config/config-tabs";
import { SnapshotSettings } from "../../../components/config/snapshot-settings";
import { YamlEditor } from "../../../components/config/yaml-editor";
import { Loaded } from "../../../components/loaded";
import type { TabProps } from "../instance-page";
import { GeneralSettings } from "./general-settings";

export default function ConfigurationTab({ instance }: TabProps) {
  return (
    <ConfigTabs
      place={{ name: instance.name, project: instance.project }}
      snapshots={<SnapshotPart instance={instance} />}
      all={<AllPart instance={instance} />}
      yaml={<YamlPart instance={instance} />}
    />
  );
}

export function commandsOf(name: string, project: string) {
  return (set: Config, unset: string[]): string[] => [
    ...(Object.keys(set).length === 0
      ? []
      : [holdfast(project, "config", "set", name, ...Object.entries(set).map(([key, value]) => `${key}=${value}`))]),
    ...unset.map((key) => holdfast(project, "config", "unset", name, key)),
  ];
}

function useInstanceDraft({ instance }: TabProps) {
  return useConfigDraft(instance.config, inheritedConfig(instance.config, instance.expanded_config));
}

function SnapshotPart({ instance }: TabProps) {
  const { name, project } = instance;
  const draft = useInstanceDraft({ instance });
  return (
    <>
      <SnapshotSettings
        draft={draft}
        project={project}
        instance={name}
        names={Object.keys(instance.expanded_config)}
      />
      <SaveBar
        name={name}
        draft={draft}
        save={(config) => patchInstance(name, project, { config })}
        commandsOf={commandsOf(name, project)}
      />
    </>
  );
}

function AllPart({ instance }: TabProps) {
  const { name, project } = instance;
  const draft = useInstanceDraft({ instance });
  const keys = useConfigKeys("instance");
  return (
    <>
      <GeneralSettings instance={instance} />
      <Loaded query={keys}>
        {(table) => (
          <>
            <ConfigForm keys={table} names={Object.keys(instance.expanded_config)} draft={draft} />
            <SaveBar
              name={name}
              draft={draft}
              save={(config) => patchInstance(name, project, { config })}
              commandsOf={commandsOf(name, project)}
            />
          </>
        )}
      </Loaded>
    </>
  );
}

function YamlPart({ instance }: TabProps) {
  const { name, project } = instance;
  const { architecture, config, description, devices, ephemeral, profiles } = instance;
  return (
    <YamlEditor
      name={name}
      value={{ architecture, config, description, devices, ephemeral, profiles }}
      command={holdfast(project, "config", "edit", name)}
      save={(value) => putInstance(name, project, value)}
    />
  );
}
