// One key of the configuration as a field, by its type.
import type { ConfigKey } from "../../api/resources/config-keys";
import { texts } from "../../text";
import { SelectField, TextArea, TextField } from "../fields";
import { Marked } from "../marked";
import type { ConfigDraft } from "./config-draft";

const words = texts.configuration;
const LONG_KEYS = /^(raw\.|cloud-init\.)/;

export function ConfigField({ configKey, draft }: { configKey: ConfigKey; draft: ConfigDraft }) {
  const { name, type, defaultValue } = configKey;
  const value = draft.valueOf(name);
  const inherited = draft.inheritedOf(name);
  const fallback =
    inherited !== undefined ? words.inherited(inherited) : defaultValue === "" ? words.unset : words.defaultValue(defaultValue);
  const notes: string[] = [configKey.doc, configKey.isLive ? "" : words.notLive, configKey.isOurs ? words.onlyHere : ""].filter((note) => note !== "");
  const shared = { label: name, help: <Marked text={notes.join(" · ")} />, value, onChange: (next: string) => draft.set(name, next) };
  if (type === "bool" || type === "boolean") {
    return (
      <SelectField
        {...shared}
        value={normalized(value)}
        choices={[
          { value: "", label: `(${fallback})` },
          { value: "true", label: texts.yes },
          { value: "false", label: texts.no },
        ]}
      />
    );
  }
  if (LONG_KEYS.test(name)) return <TextArea {...shared} rows={value === "" ? 1 : 4} placeholder={fallback} />;
  return <TextField {...shared} placeholder={fallback} autoComplete="off" spellCheck={false} />;
}

function normalized(value: string): string {
  if (["true", "1", "yes", "on"].includes(value.toLowerCase())) return "true";
  return value === "" ? "" : "false";
}
