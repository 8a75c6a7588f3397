// A configuration that is being edited: what was there, and what was changed of it.
import { useCallback, useMemo, useState } from "react";

export type Config = Record<string, string>;

export interface ConfigDraft {
  /** The value as it would be: "" is unset. */
  valueOf: (key: string) => string;
  set: (key: string, value: string) => void;
  reset: () => void;
  /** After all was saved: what was edited goes on to be shown until the configuration is read anew. */
  settle: () => void;
  /** Only what differs from what was there; "" unsets. */
  changes: Config;
  /** What comes from elsewhere (profiles) when the key is unset here. */
  inheritedOf: (key: string) => string | undefined;
}

/** `inherited` is what holds without this thing's own values, such as what its profiles say. */
export function useConfigDraft(config: Config, inherited: Config = {}): ConfigDraft {
  const [edited, setEdited] = useState<Config>({});
  const [savedOver, setSavedOver] = useState<Config>();
  if (savedOver !== undefined && savedOver !== config) {
    setSavedOver(undefined);
    setEdited({});
  }
  const changes = useMemo(() => {
    if (savedOver !== undefined) return {};
    return Object.fromEntries(Object.entries(edited).filter(([key, value]) => value !== (config[key] ?? "")));
  }, [edited, config, savedOver]);
  const valueOf = useCallback((key: string) => edited[key] ?? config[key] ?? "", [edited, config]);
  const set = useCallback((key: string, value: string) => {
    setSavedOver(undefined);
    setEdited((before) => ({ ...before, [key]: value }));
  }, []);
  const reset = useCallback(() => setEdited({}), []);
  const settle = useCallback(() => setSavedOver(config), [config]);
  const inheritedOf = useCallback((key: string) => inherited[key], [inherited]);
  return { valueOf, set, reset, settle, changes, inheritedOf };
}

/** What holds for an instance without its own values. */
export function inheritedConfig(own: Config, expanded: Config): Config {
  return Object.fromEntries(Object.entries(expanded).filter(([key]) => own[key] === undefined));
}
