// All keys of a table as a form, by group; keys of families and unknown ones that are set stand there as well.
import { useMemo, useState } from "react";
import type { ConfigKey } from "../../api/resources/config-keys";
import { texts } from "../../text";
import { CheckField, TextField } from "../fields";
import { SearchBox } from "../search-box";
import type { ConfigDraft } from "./config-draft";
import { ConfigField } from "./config-field";

const words = texts.configuration;

interface ConfigFormProps {
  keys: ConfigKey[];
  /** The names that are set now, so that those of families are shown. */
  names: string[];
  draft: ConfigDraft;
}

const isFamily = (key: ConfigKey): boolean => key.name.endsWith(".*");

/** The key's row, or that of its family, under its own name. */
function keyFor(name: string, keys: ConfigKey[]): ConfigKey {
  const exact = keys.find((key) => key.name === name);
  if (exact !== undefined) return exact;
  const family = keys.find((key) => isFamily(key) && name.startsWith(key.name.slice(0, -1)));
  const group = name.split(".")[0] ?? "";
  return family === undefined
    ? { name, type: "string", defaultValue: "", doc: "", isLive: true, isOurs: false, group }
    : { ...family, name, group };
}

export function ConfigForm({ keys, names, draft }: ConfigFormProps) {
  const [wanted, setWanted] = useState("");
  const [isOnlySet, setOnlySet] = useState(false);
  const [added, setAdded] = useState<string[]>([]);
  const all = useMemo(() => {
    const present = [...names, ...added].filter((name) => !/^(volatile|image)\./.test(name));
    const plain = keys.filter((key) => !isFamily(key)).map((key) => key.name);
    return [...new Set([...plain, ...present])].sort().map((name) => keyFor(name, keys));
  }, [keys, names, added]);
  const shown = all.filter(
    (key) =>
      `${key.name} ${key.doc}`.toLowerCase().includes(wanted.toLowerCase()) &&
      (!isOnlySet || draft.valueOf(key.name) !== "" || draft.inheritedOf(key.name) !== undefined),
  );
  const groups = [...new Set(shown.map((key) => key.group))];
  const isOpen = wanted !== "" || isOnlySet;
  return (
    <>
      <div className="toolbar" role="search">
        <SearchBox label={words.searchLabel} value={wanted} onChange={setWanted} />
        <CheckField label={words.onlySet} isChecked={isOnlySet} onChange={setOnlySet} />
      </div>
      {groups.map((group) => (
        <ConfigGroup
          key={`${group}${isOpen}`}
          name={group}
          members={shown.filter((key) => key.group === group)}
          draft={draft}
          isOpen={isOpen}
        />
      ))}
      {shown.length === 0 && <p className="table-empty">{texts.table.noMatch}</p>}
      <AddKey onAdd={(name) => setAdded([...added, name])} />
    </>
  );
}

interface ConfigGroupProps {
  name: string;
  members: ConfigKey[];
  draft: ConfigDraft;
  isOpen: boolean;
}

function ConfigGroup({ name, members, draft, isOpen }: ConfigGroupProps) {
  const set = members.filter((key) => draft.valueOf(key.name) !== "").length;
  return (
    <details className="config-group" open={isOpen || set > 0}>
      <summary>
        {words.groupOf(name)} {set > 0 && <span className="u-text--muted">({set})</span>}
      </summary>
      <div className="config-group__fields">
        {members.map((key) => (
          <ConfigField key={key.name} configKey={key} draft={draft} />
        ))}
      </div>
    </details>
  );
}

function AddKey({ onAdd }: { onAdd: (name: string) => void }) {
  const [name, setName] = useState("");
  return (
    <>
      <div className="toolbar add-key">
        <TextField label={words.addKey} placeholder="user.owner" value={name} onChange={setName} autoComplete="off" />
        <button
          type="button"
          className="p-button"
          disabled={!/^[^\s=]+\.[^\s=]+$/.test(name)}
          onClick={() => {
            onAdd(name);
            setName("");
          }}
        >
          {words.add}
        </button>
      </div>
      <p className="p-form-help-text">{words.addKeyHelp}</p>
    </>
  );
}
