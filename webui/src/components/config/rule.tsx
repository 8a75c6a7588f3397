// A rule of a schedule as people say it; as it is written where it can't be said.
import { inWords } from "./schedule-words";

export function Rule({ rule }: { rule: string }) {
  const saying = inWords(rule);
  return saying.isFine ? <span title={rule}>{saying.text}</span> : <code>{rule}</code>;
}
