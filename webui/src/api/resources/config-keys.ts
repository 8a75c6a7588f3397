// Which configuration keys there are, as the server's own table tells.
import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import { get, type Schemas } from "../client";

export interface ConfigKey {
  name: string;
  type: string;
  defaultValue: string;
  doc: string;
  isLive: boolean;
  isOurs: boolean;
  /** The first part of the name. */
  group: string;
}

type WireConfiguration = Schemas["ConfigMetadata"];

/** What a table is for: its name on the wire, such as "instance", "server", "project", "storage-btrfs". */
export type ConfigScope = string;

export function useConfigKeys(scope: ConfigScope): UseQueryResult<ConfigKey[]> {
  return useQuery({
    queryKey: ["/1.0/metadata/configuration"],
    queryFn: ({ signal }) => get<WireConfiguration>("/1.0/metadata/configuration", {}, signal),
    select: (all) => keysOf(all, scope),
  });
}

function keysOf(all: WireConfiguration, scope: string): ConfigKey[] {
  const groups = Object.values(all.configs[scope] ?? {});
  return groups
    .flatMap((group) => group.keys.flatMap((entry) => Object.entries(entry)))
    .map(([name, key]) => keyOf(name, key))
    .filter((key) => key.group !== "volatile" && key.group !== "image")
    .sort((a, b) => a.name.localeCompare(b.name));
}

function keyOf(name: string, key: Schemas["ConfigOption"]): ConfigKey {
  return {
    name,
    type: key.type,
    defaultValue: key.defaultdesc,
    doc: [key.shortdesc, key.longdesc].filter((text) => text !== "").join(" "),
    isLive: key.liveupdate === "yes",
    isOurs: key.only !== "",
    group: name.split(".")[0] ?? "",
  };
}
