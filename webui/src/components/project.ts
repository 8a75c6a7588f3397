// Which project is looked at: it stands in the address, so that links and the browser's history keep it.
import { useSearchParams } from "react-router-dom";
import { useSession } from "../api/resources/server";

export const DEFAULT_PROJECT = "default";
export const ALL_PROJECTS = "*";

/** Where one is when the address names no project: in the default one, or the first of those that one may see. */
function useHomeProject(): string {
  const session = useSession();
  const { access, projects = [] } = session.data ?? {};
  const [first = DEFAULT_PROJECT] = projects;
  return access === "restricted" && !projects.includes(DEFAULT_PROJECT) ? first : DEFAULT_PROJECT;
}

/** The project of what is shown. */
export function useProject(): string {
  const [search] = useSearchParams();
  const home = useHomeProject();
  const named = search.get("project") ?? home;
  return named === ALL_PROJECTS ? home : named;
}

/** For lists: undefined stands for all projects. */
export function useProjectFilter(): string | undefined {
  const [search] = useSearchParams();
  const home = useHomeProject();
  const named = search.get("project") ?? home;
  return named === ALL_PROJECTS ? undefined : named;
}

/** Return the address of a page within a project. */
export function inProject(path: string, project: string | undefined): string {
  if (project === DEFAULT_PROJECT) return path;
  return `${path}?project=${encodeURIComponent(project ?? ALL_PROJECTS)}`;
}

/** Where the page of an instance is; `tab` is the last part of the address. */
export function instanceAddress(name: string, project: string, tab = ""): string {
  const path = `/instances/${encodeURIComponent(name)}`;
  return inProject(tab === "" ? path : `${path}/${tab}`, project);
}

/** Where the page of a custom volume is; `tab` is the last part of the address. */
export function volumeAddress(pool: string, name: string, project: string, tab = ""): string {
  const path = `/volumes/${encodeURIComponent(pool)}/${encodeURIComponent(name)}`;
  return inProject(tab === "" ? path : `${path}/${tab}`, project);
}
