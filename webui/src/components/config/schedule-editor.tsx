// When snapshots are taken: plain choices, or a rule of cron; in words, with the next runs as the server foresees them.
import { useState } from "react";
import type { SchedulePreview } from "../../api/resources/schedule-preview";
import { texts } from "../../text";
import { formatMoment, parseTime } from "../age";
import { SelectField, TextField } from "../fields";
import { inWords, rulesOf } from "./schedule-words";

const words = texts.configuration.schedule;

type Kind = keyof typeof words.kinds;

const DAILY_AT = /^(\d{1,2}) (\d{1,2}) \* \* \*$/;

/** Which plain choice a value stands for. */
function kindOf(value: string): Kind {
  if (value === "") return "inherit";
  if (value === "@never") return "none";
  if (value === "@midnight") return "@daily";
  if (value in words.kinds && value.startsWith("@")) return value as Kind;
  return DAILY_AT.test(value) ? "time" : "cron";
}

function timeOf(value: string): string {
  const [, minute = "0", hour = "2"] = DAILY_AT.exec(value) ?? [];
  return `${hour.padStart(2, "0")}:${minute.padStart(2, "0")}`;
}

function ruleAt(time: string): string {
  const [hour = "2", minute = "0"] = time.split(":");
  return `${Number(minute)} ${Number(hour)} * * *`;
}

interface ScheduleEditorProps {
  value: string;
  onChange: (value: string) => void;
  inherited: string | undefined;
  /** Volumes have no start and no profiles. */
  isOfVolume?: boolean;
  preview: SchedulePreview | undefined;
}

export function ScheduleEditor({ value, onChange, inherited, isOfVolume = false, preview }: ScheduleEditorProps) {
  const [isByRule, setByRule] = useState(kindOf(value) === "cron");
  const kind = isByRule ? "cron" : kindOf(value);
  const choose = (chosen: Kind) => {
    setByRule(chosen === "cron");
    if (chosen === "inherit") onChange("");
    else if (chosen === "none") onChange(isOfVolume ? "" : "@never");
    else if (chosen === "time") onChange(ruleAt("02:00"));
    else if (chosen === "cron") onChange(value === "" ? "0 2 * * *" : value);
    else onChange(chosen);
  };
  const kinds = (Object.keys(words.kinds) as Kind[]).filter(
    (each) => (each !== "@startup" || !isOfVolume) && (each !== "none" || isChoosable(value, inherited, isOfVolume)),
  );
  const effective = value === "" ? (inherited ?? "") : value;
  const saying = inWords(effective);
  const problem = preview?.errors.schedule || (saying.isFine ? undefined : saying.text);
  return (
    <>
      <SelectField
        label={words.kind}
        value={kind}
        onChange={(chosen) => choose(chosen as Kind)}
        choices={kinds.map((each) => ({
          value: each,
          label: each === "inherit" ? inheritLabel(inherited, isOfVolume) : words.kinds[each],
        }))}
      />
      {kind === "time" && (
        <TextField label={words.at} type="time" value={timeOf(value)} onChange={(time) => onChange(ruleAt(time))} />
      )}
      {kind === "cron" && (
        <TextField
          label={words.rule}
          help={words.ruleHelp}
          value={value}
          onChange={onChange}
          error={problem}
          spellCheck={false}
          autoComplete="off"
        />
      )}
      {effective !== "" && saying.isFine && (
        <p className="schedule-words" role="status">
          {words.inWords}: <strong>{saying.text}</strong>.{" "}
          {rulesOf(effective).some((rule) => /^@(hourly|daily|midnight|weekly|monthly|yearly|annually)$/.test(rule)) &&
            words.spread}
        </p>
      )}
      {effective !== "" && preview !== undefined && <NextRuns preview={preview} />}
    </>
  );
}

/** "Never" is a choice of its own only where something else would hold without it. */
function isChoosable(value: string, inherited: string | undefined, isOfVolume: boolean): boolean {
  return !isOfVolume && (inherited !== undefined || value === "@never");
}

function inheritLabel(inherited: string | undefined, isOfVolume: boolean): string {
  if (isOfVolume || inherited === undefined) return words.unset;
  return `${words.kinds.inherit} (${inherited})`;
}

function NextRuns({ preview }: { preview: SchedulePreview }) {
  return (
    <div className="next-runs">
      <div className="field-title">{words.nextRuns}</div>
      {preview.next.length === 0 ? (
        <p>{words.noRuns}</p>
      ) : (
        <ol>
          {preview.next.map((time) => (
            <li key={time}>{formatMoment(parseTime(time) ?? 0)}</li>
          ))}
        </ol>
      )}
    </div>
  );
}
