// Devices by which instances and profiles show a volume.
import { get, type Operation, type Schemas } from "../../api/client";
import { patchInstance, putInstance } from "../../api/resources/instances";
import { putProfile } from "../../api/resources/profiles";
import type { VolumePlace } from "../../api/resources/volumes";
import { entityOf } from "../../components/entity-link";

type Device = Record<string, string>;
type Devices = Record<string, Device>;
export type Kind = "instance" | "profile";

export interface Target {
  kind: Kind;
  name: string;
}

/** Read who uses a volume out of `used_by`. */
export function targetOf(url: string): Target {
  return { kind: url.startsWith("/1.0/profiles/") ? "profile" : "instance", name: entityOf(url).name };
}

const pathOf = ({ kind, name }: Target): string => `/1.0/${kind}s/${encodeURIComponent(name)}`;

/** The names of the devices of these that show the volume. */
export function devicesOf(devices: Devices, { pool, name }: VolumePlace): string[] {
  return Object.entries(devices)
    .filter(([, device]) => device["type"] === "disk" && device["pool"] === pool && device["source"] === name)
    .map(([device]) => device);
}

export async function attach(
  place: VolumePlace,
  target: Target,
  device: string,
  path: string,
): Promise<Operation | undefined> {
  const added: Devices = { [device]: { type: "disk", pool: place.pool, source: place.name, path } };
  if (target.kind === "instance") return patchInstance(target.name, place.project, { devices: added });
  const profile = await get<Schemas["Profile"]>(pathOf(target), { project: place.project });
  const devices = { ...profile.devices, ...added };
  await putProfile(target.name, place.project, { ...profile, devices });
  return undefined;
}

/** Take away every device of the target's own that shows the volume; raise `problem` when it has none. */
export async function detach(place: VolumePlace, target: Target, problem: string): Promise<Operation | undefined> {
  const found = await get<Schemas["Instance"]>(pathOf(target), { project: place.project });
  const gone = devicesOf(found.devices, place);
  if (gone.length === 0) throw new Error(problem);
  const devices = Object.fromEntries(Object.entries(found.devices).filter(([name]) => !gone.includes(name)));
  const { description, config } = found;
  if (target.kind === "profile") {
    await putProfile(target.name, place.project, { description, config, devices });
    return undefined;
  }
  const { architecture, ephemeral, profiles } = found;
  return putInstance(target.name, place.project, { architecture, ephemeral, profiles, description, config, devices });
}
