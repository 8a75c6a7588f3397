// What can be said of a project: where its page is, what is in it, what is its own.
import type { Project } from "../../api/resources/projects";
import { DEFAULT_PROJECT, inProject } from "../../components/project";
import { usersOf } from "../../components/used-by";
import { texts } from "../../text";

const words = texts.projects;

export const FEATURES = Object.keys(words.features) as (keyof typeof words.features)[];

/** Where its page is, while `chosen` is the project that one works in. */
export function projectAddress(name: string, chosen: string | undefined, tab = ""): string {
  return inProject(`/projects/${encodeURIComponent(name)}${tab === "" ? "" : `/${tab}`}`, chosen);
}

export const isDefault = ({ name }: Project): boolean => name === DEFAULT_PROJECT;

/** What must go before the project can: all but the profile that each project has. */
export function contentOf({ used_by }: Project): string[] {
  return used_by.filter((url) => url.split("?")[0] !== "/1.0/profiles/default");
}

/** "2 instances, 1 volume" */
export function countsOf(project: Project): string {
  const kinds = usersOf(project.used_by).map(({ url }) => url.split("/")[2]);
  return Object.entries(words.counts)
    .map(([kind, say]) => ({ say, count: kinds.filter((each) => each === kind).length }))
    .filter(({ count }) => count > 0)
    .map(({ say, count }) => say(count))
    .join(", ");
}

/** "images, profiles" */
export function ownOf(project: Project): string {
  return FEATURES.filter((each) => isDefault(project) || project.config[each] === "true")
    .map((each) => words.short[each])
    .join(", ");
}
