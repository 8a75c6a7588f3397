// A configuration with changes of a draft made to it.
import type { Config } from "./config-draft";

/** Return the whole configuration as it would be; what is "" among the changes is left out. */
export function applied(config: Config, changes: Config): Config {
  return Object.fromEntries(Object.entries({ ...config, ...changes }).filter(([key, value]) => value !== "" || !(key in changes)));
}

/** The commands `… set` and `… unset` of a group, as `SaveBar` wants them. */
export function commandsBy(make: (...words: string[]) => string, subject: string[]) {
  return (set: Config, unset: string[]): string[] => [
    ...(Object.keys(set).length === 0
      ? []
      : [make("set", ...subject, ...Object.entries(set).map(([key, value]) => `${key}=${value}`))]),
    ...unset.map((key) => make("unset", ...subject, key)),
  ];
}
