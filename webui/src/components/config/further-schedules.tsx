// Further schedules beside the first one, each with a label and settings of its own: `snapshots.schedules.LABEL`.
import { useState } from "react";
import { texts } from "../../text";
import { TextField } from "../fields";
import type { ConfigDraft } from "./config-draft";
import { KeepEditor } from "./keep-editor";
import { inWords } from "./schedule-words";

const words = texts.configuration.further;
const PREFIX = "snapshots.schedules.";
const LABEL = /^[a-z0-9-]{1,63}$/;

/** The labels among the names of keys. */
export function labelsOf(names: string[]): string[] {
  const labels = names.filter((name) => name.startsWith(PREFIX)).map((name) => name.slice(PREFIX.length).split(".")[0] ?? "");
  return [...new Set(labels)].sort();
}

interface FurtherSchedulesProps {
  draft: ConfigDraft;
  /** The names of all keys that are set, here or by profiles. */
  names: string[];
}

export function FurtherSchedules({ draft, names }: FurtherSchedulesProps) {
  const [added, setAdded] = useState<string[]>([]);
  const [label, setLabel] = useState("");
  const labels = [...new Set([...labelsOf(names), ...added])];
  const isFine = LABEL.test(label) && !labels.includes(label);
  return (
    <section className="card">
      <h2 className="p-heading--5">{words.title}</h2>
      <p className="p-form-help-text">{words.help}</p>
      {labels.map((each) => (
        <FurtherSchedule key={each} label={each} draft={draft} />
      ))}
      <div className="toolbar">
        <TextField
          label={words.label}
          value={label}
          onChange={setLabel}
          placeholder="often"
          autoComplete="off"
          error={label === "" || isFine ? undefined : words.badLabel}
        />
        <button
          type="button"
          className="p-button"
          disabled={!isFine}
          onClick={() => {
            setAdded([...added, label]);
            draft.set(`${PREFIX}${label}`, "@hourly");
            setLabel("");
          }}
        >
          {words.add}
        </button>
      </div>
    </section>
  );
}

function FurtherSchedule({ label, draft }: { label: string; draft: ConfigDraft }) {
  const key = `${PREFIX}${label}`;
  const field = (part: string) => ({
    value: draft.valueOf(`${key}${part}`),
    placeholder: draft.inheritedOf(`${key}${part}`) ?? "",
    onChange: (value: string) => draft.set(`${key}${part}`, value),
    autoComplete: "off",
    spellCheck: false,
  });
  const rule = draft.valueOf(key) || (draft.inheritedOf(key) ?? "");
  const saying = inWords(rule);
  const remove = () => ["", ".pattern", ".expiry", ".keep"].forEach((part) => draft.set(`${key}${part}`, ""));
  return (
    <div className="schedule-card" role="group" aria-label={label}>
      <div className="field-title">
        <strong>{label}</strong>{" "}
        <button type="button" className="p-button--base is-small" aria-label={`${words.remove} ${label}`} onClick={remove}>
          {words.remove}
        </button>
      </div>
      <div className="field-row">
        <TextField
          label={words.rule}
          {...field("")}
          help={rule === "" ? words.none : saying.isFine ? saying.text : undefined}
          error={rule === "" || saying.isFine ? undefined : saying.text}
        />
        <TextField label={texts.configuration.pattern.label} {...field(".pattern")} />
        <TextField label={texts.configuration.expiry.scheduled} {...field(".expiry")} />
      </div>
      <KeepEditor
        value={draft.valueOf(`${key}.keep`)}
        inherited={draft.inheritedOf(`${key}.keep`)}
        onChange={(value) => draft.set(`${key}.keep`, value)}
      />
    </div>
  );
}
