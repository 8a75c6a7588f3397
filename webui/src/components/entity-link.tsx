// A link to the page of what an API path names: an instance, a volume, an image, …
import { Link } from "react-router-dom";
import { DEFAULT_PROJECT, inProject, instanceAddress, volumeAddress } from "./project";

export interface Entity {
  /** How it is called: "web", "web/snap0", "bt/data". */
  name: string;
  /** Where its page is; undefined when it has none. */
  address: string | undefined;
}

const PLAIN_PAGES: Record<string, string> = {
  images: "/images",
  profiles: "/profiles",
  protections: "/servers",
  certificates: "/settings",
  operations: "/operations",
};

/** Read an API path such as `/1.0/instances/web?project=team`. */
export function entityOf(url: string): Entity {
  const [path = "", query = ""] = url.split("?");
  const project = new URLSearchParams(query).get("project") ?? DEFAULT_PROJECT;
  const [, , kind = "", ...rest] = path.split("/").map(decodeURIComponent);
  const [first = "", part, second = "", third = ""] = rest;
  if (kind === "instances" && first !== "") {
    const isSnapshot = part === "snapshots" && second !== "";
    return {
      name: isSnapshot || part === "backups" ? `${first}/${second}` : first,
      address: instanceAddress(first, project, part === "backups" ? "exports" : isSnapshot ? "snapshots" : ""),
    };
  }
  if (kind === "storage-pools" && part === "volumes" && third !== "") {
    const inside = rest[5] === undefined ? "" : `/${rest[5]}`;
    const address = second === "custom" ? volumeAddress(first, third, project) : undefined;
    return { name: `${first}/${third}${inside}`, address };
  }
  if (kind === "storage-pools" && first !== "") return { name: first, address: `/pools/${encodeURIComponent(first)}` };
  const page = PLAIN_PAGES[kind];
  const name = kind === "images" ? first.slice(0, 12) : first;
  return { name: name === "" ? path : name, address: page === undefined ? undefined : inProject(page, project) };
}

export function EntityLink({ url }: { url: string }) {
  const { name, address } = entityOf(url);
  return address === undefined ? <>{name}</> : <Link to={address}>{name}</Link>;
}
