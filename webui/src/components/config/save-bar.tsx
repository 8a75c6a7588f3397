// What of a draft is not saved, and the dialog that saves it: shows each change, and the command that does the same.
import { useState } from "react";
import { texts } from "../../text";
import { ActionDialog } from "../action-dialog";
import type { Begun } from "../run-action";
import type { Config, ConfigDraft } from "./config-draft";

const words = texts.configuration;

interface SaveBarProps {
  /** Whose configuration it is. */
  name: string;
  draft: ConfigDraft;
  /** Send the changes; an empty value unsets its key. */
  save: (changes: Config) => Promise<Begun> | Promise<void>;
  /** The commands that make the same changes. */
  commandsOf: (set: Config, unset: string[]) => string[];
  touches?: string[];
}

export function SaveBar({ name, draft, save, commandsOf, touches }: SaveBarProps) {
  const [isSaving, setSaving] = useState(false);
  const entries = Object.entries(draft.changes);
  const set = Object.fromEntries(entries.filter(([, value]) => value !== ""));
  const unset = entries.filter(([, value]) => value === "").map(([key]) => key);
  return (
    <div className="save-bar">
      <span role="status">{words.changed(entries.length)}</span>
      <button type="button" className="p-button" disabled={entries.length === 0} onClick={draft.reset}>
        {words.reset}
      </button>
      <button
        type="button"
        className="p-button--positive"
        disabled={entries.length === 0}
        onClick={() => setSaving(true)}
      >
        {words.save}
      </button>
      {isSaving && (
        <ActionDialog
          action={{
            title: words.saveTitle(name),
            done: words.saved(name),
            run: () => save(draft.changes),
            ...(touches === undefined ? {} : { touches }),
          }}
          command={commandsOf(set, unset)}
          submit={texts.save}
          onClose={() => setSaving(false)}
          onDone={draft.settle}
        >
          <ul className="losses">
            {entries.map(([key, value]) => (
              <li key={key}>
                <code>{value === "" ? words.willUnset(key) : words.willSet(key, value)}</code>
              </li>
            ))}
          </ul>
        </ActionDialog>
      )}
    </div>
  );
}
