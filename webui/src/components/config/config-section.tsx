// The whole configuration of a thing as a form by the server's table of keys, with the bar that saves it.
import type { ReactNode } from "react";
import { useConfigKeys, type ConfigKey, type ConfigScope } from "../../api/resources/config-keys";
import { Loaded } from "../loaded";
import type { Begun } from "../run-action";
import { commandsBy } from "./applied";
import { useConfigDraft, type Config, type ConfigDraft } from "./config-draft";
import { ConfigForm } from "./config-form";
import { SaveBar } from "./save-bar";

interface ConfigSectionProps {
  /** Whose it is. */
  name: string;
  scope: ConfigScope;
  config: Config;
  save: (changes: Config) => Promise<Begun> | Promise<void>;
  /** Make a command of the group's: `holdfast profile …`. */
  command: (...words: string[]) => string;
  /** What stands in commands after the verb. */
  subject: string[];
  touches?: string[];
  /** What stands before each key of the table here: pools say `volume.size` for their volumes' `size`. */
  prefix?: string;
  /** Forms that change the same draft, instead of that of all keys. */
  children?: (draft: ConfigDraft) => ReactNode;
}

function prefixed(keys: ConfigKey[], prefix: string | undefined): ConfigKey[] {
  if (prefix === undefined) return keys;
  return keys.map((key) => ({ ...key, name: `${prefix}.${key.name}`, group: prefix }));
}

export function ConfigSection(props: ConfigSectionProps) {
  const { name, scope, config, save, command, subject, touches, prefix, children } = props;
  const keys = useConfigKeys(scope);
  const draft = useConfigDraft(config);
  return (
    <>
      {children === undefined ? (
        <Loaded query={keys}>
          {(table) => <ConfigForm keys={prefixed(table, prefix)} names={Object.keys(config)} draft={draft} />}
        </Loaded>
      ) : (
        children(draft)
      )}
      <SaveBar
        name={name}
        draft={draft}
        save={save}
        commandsOf={commandsBy(command, subject)}
        {...(touches === undefined ? {} : { touches })}
      />
    </>
  );
}
