// Which configuration keys there are, as the server's own table tells.
import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import { get } from "../client";

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

interface WireKey {
  type?: string;
  defaultdesc?: string;
  shortdesc?: string;
  longdesc?: string;
  liveupdate?: string;
  condition?: string;
}

interface WireConfiguration {
  configs: Record<string, Record<string, { keys: Record<string, WireKey>[] }>>;
}

/** What a table is for: its name on the wire. */
export type ConfigScope = "instance" | "profile" | "storage-volume" | "server" | "project" | `storage-${string}`;

export function useConfigKeys(scope: ConfigScope): UseQueryResult<ConfigKey[]> {
  return useQuery({
    queryKey: ["/1.0/metadata/configuration"],
    queryFn: ({ signal }) => get<WireConfiguration>("/1.0/metadata/configuration", {}, signal),
    select: (all) => keysOf(all, scope === "profile" ? "instance" : scope),
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

function keyOf(name: string, key: WireKey): ConfigKey {
  return {
    name,
    type: key.type ?? "string",
    defaultValue: (key.defaultdesc ?? "").replaceAll("`", ""),
    doc: [key.shortdesc, key.longdesc].filter((text) => text !== undefined && text !== "").join(" "),
    isLive: (key.liveupdate ?? "").startsWith("yes"),
    isOurs: /holdfast/i.test(`${key.condition ?? ""}${key.longdesc ?? ""}`),
    group: name.split(".")[0] ?? "",
  };
}
