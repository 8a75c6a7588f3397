// Rows of keys and values: changes, removes, adds. Keeps nothing by itself; the form around it saves.
import { useId, useState } from "react";
import { texts } from "../text";
import { TextField } from "./fields";

const words = texts.editors;

export type Settings = Record<string, string>;

interface SettingsEditorProps {
  settings: Settings;
  onChange: (settings: Settings) => void;
  /** Keys that are offered while one types. */
  suggestions?: readonly string[];
  /** Keys that are shown, but are the server's own. */
  isFixed?: (key: string) => boolean;
  /** What stands before each label, where several editors are on a page. */
  prefix?: string;
}

export function SettingsEditor(props: SettingsEditorProps) {
  const { settings, onChange, isFixed = () => false, prefix = "" } = props;
  const keys = Object.keys(settings).sort();
  const remove = (key: string) => onChange(Object.fromEntries(Object.entries(settings).filter(([each]) => each !== key)));
  return (
    <div className="settings">
      {keys.length === 0 && <p className="u-text--muted">{words.noKeys}</p>}
      {keys.map((key) => (
        <div className="settings__row" key={key}>
          <TextField
            label={`${prefix}${key}`}
            value={settings[key] ?? ""}
            disabled={isFixed(key)}
            autoComplete="off"
            onChange={(value) => onChange({ ...settings, [key]: value })}
          />
          {!isFixed(key) && (
            <button
              type="button"
              className="p-button--base icon-button settings__remove"
              title={words.removeKey(`${prefix}${key}`)}
              onClick={() => remove(key)}
            >
              <i className="p-icon--delete">{words.removeKey(`${prefix}${key}`)}</i>
            </button>
          )}
        </div>
      ))}
      <NewKey {...props} />
    </div>
  );
}

function NewKey({ settings, onChange, suggestions = [], prefix = "" }: SettingsEditorProps) {
  const [key, setKey] = useState("");
  const [value, setValue] = useState("");
  const list = useId();
  const isThere = key in settings;
  const add = () => {
    onChange({ ...settings, [key]: value });
    setKey("");
    setValue("");
  };
  return (
    <div className="settings__new">
      <datalist id={list}>
        {suggestions
          .filter((each) => !(each in settings))
          .map((each) => (
            <option key={each} value={each} />
          ))}
      </datalist>
      <TextField
        label={`${prefix}${words.key}`}
        list={list}
        value={key}
        onChange={(typed) => setKey(typed.trim())}
        autoComplete="off"
        error={isThere ? words.doubleKey : undefined}
      />
      <TextField label={`${prefix}${words.value}`} value={value} onChange={setValue} autoComplete="off" />
      <button type="button" className="p-button" disabled={key === "" || isThere} onClick={add}>
        {words.addKey}
      </button>
    </div>
  );
}
