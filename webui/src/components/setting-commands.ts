// The commands that change settings as a form does: `… set NAME KEY=VALUE …`, and `… unset NAME KEY` for each that goes.
import { holdfast } from "./command";
import type { Settings } from "./settings-editor";

/** A key with its new value; undefined when it goes. */
export type Changed = readonly [string, string | undefined];

export function changedPairs(before: Settings, after: Settings): Changed[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.filter((name) => before[name] !== after[name]).map((name) => [name, after[name]] as const);
}

/** `group` is what stands before the verb: ["profile"], ["storage", "volume"]; `subject` what stands after it. */
export function settingCommands(project: string, group: string[], subject: string[], changes: Changed[]): string[] {
  const set = changes.filter(([, value]) => value !== undefined).map(([name, value]) => `${name}=${value}`);
  const unset = changes.filter(([, value]) => value === undefined).map(([name]) => name);
  return [
    ...(set.length > 0 ? [holdfast(project, ...group, "set", ...subject, ...set)] : []),
    ...unset.map((name) => holdfast(project, ...group, "unset", ...subject, name)),
  ];
}
