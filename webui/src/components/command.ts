// The command that does the same as an action of the page.

const SAFE_WORD = /^[A-Za-z0-9_@%+=:,./~-]+$/;

/** Quote a word for a POSIX shell, if it needs that. */
export function quoted(word: string): string {
  return SAFE_WORD.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

export type Word = string | false | null | undefined;

/** Make `holdfast …` of words; absent ones are left out, the project is named unless it is the default one. */
export function holdfast(project: string, ...words: Word[]): string {
  const present = words.filter((word): word is string => typeof word === "string");
  const all = project === "default" ? present : [...present, "--project", project];
  return ["holdfast", ...all].map(quoted).join(" ");
}

/** A command about files of an instance or, in a pool, of a volume. */
export function fileCommand(
  { project, pool }: { project: string; pool?: string },
  verb: string,
  places: string[],
  ...options: string[]
): string {
  const group = pool === undefined ? ["file"] : ["storage", "volume", "file"];
  return holdfast(project, ...group, verb, ...options, pool, ...places);
}

/** A command about export files that the server keeps: of an instance or, in a pool, of a volume. */
export function storedCommand(
  { name, project, pool }: { name: string; project: string; pool?: string },
  verb: string,
  ...words: Word[]
): string {
  return holdfast(project, "backup", "stored", verb, pool === undefined ? name : `${pool}/${name}`, ...words);
}
