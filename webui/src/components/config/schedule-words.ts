// A rule of a schedule in words.
import cronstrue from "cronstrue";
import { texts } from "../../text";

const words = texts.configuration.schedule;

export interface RuleInWords {
  text: string;
  isFine: boolean;
}

/** Several rules stand in one value, with a comma and a space between. */
export const rulesOf = (schedule: string): string[] =>
  schedule
    .split(", ")
    .map((rule) => rule.trim())
    .filter((rule) => rule !== "");

export function inWords(schedule: string): RuleInWords {
  try {
    return { text: rulesOf(schedule).map(ruleInWords).join(words.and), isFine: true };
  } catch {
    return { text: words.badCron, isFine: false };
  }
}

function ruleInWords(rule: string): string {
  const alias = words.aliases[rule.toLowerCase()];
  if (alias !== undefined) return alias;
  if (rule.startsWith("@") || rule.split(" ").length !== 5) throw new Error(rule);
  const saying = lowered(cronstrue.toString(rule, { use24HourTimeFormat: true, verbose: true }));
  // "every minute, every hour, every day" says the same three times.
  return saying.replace(/^(every (?:\d+ )?minutes?), every hour/, "$1").replace(/^(every (?:\d+ )?minutes?), every day$/, "$1");
}

const lowered = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
