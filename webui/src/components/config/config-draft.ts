// A configuration that is being edited: what was there, and what was changed of it.
import { useCallback, useMemo, useState } from "react";

export type Config = Record<string, string>;

export interface ConfigDraft {
  /** The value as it would be: "" is unset. */
  valueOf: (key: string) => string;
  set: (key: string, value: string) => void;
  reset: () => void;
  /** Only what differs from what was there; "" unsets. */
  changes: Config;
  /** What comes from elsewhere (profiles) when the key is unset here. */
  inheritedOf: (key: string) => string | undefined;
}

/** `inherited` is what holds without this thing's own values, such as what its profiles say. */
export function useConfigDraft(config: Config, inherited: Config = {}): ConfigDraft {
  const [edited, setEdited] = useState<Config>({});
  const changes = useMemo(
    () => Object.fromEntries(Object.entries(edited).filter(([key, value]) => value !== (config[key] ?? ""))),
    [edited, config],
  );
  const valueOf = useCallback((key: string) => edited[key] ?? config[key] ?? "", [edited, config]);
  const set = useCallback((key: string, value: string) => setEdited((before) => ({ ...before, [key]: value })), []);
  const reset = useCallback(() => setEdited({}), []);
  const inheritedOf = useCallback((key: string) => inherited[key], [inherited]);
  return { valueOf, set, reset, changes, inheritedOf };
}

/** What holds for an instance without its own values. */
export function inheritedConfig(own: Config, expanded: Config): Config {
  return Object.fromEntries(Object.entries(expanded).filter(([key]) => own[key] === undefined));
}
