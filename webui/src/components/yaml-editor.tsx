// A document as YAML, to edit and save; says where it is no YAML, and when somebody else changed it meanwhile.
import { dump, load, YAMLException } from "js-yaml";
import { useState } from "react";
import { texts } from "../text";
import { TextArea } from "./fields";
import type { Begun } from "./run-action";
import { SavedForm } from "./saved-form";

const words = texts.editors;

export type YamlDocument = Record<string, unknown>;

interface YamlEditorProps {
  /** What is saved, for notes: "The profile big". */
  what: string;
  document: YamlDocument;
  command: string;
  save: (document: YamlDocument) => Promise<Begun> | Promise<void>;
  touches?: string[];
}

const written = (document: YamlDocument): string => dump(document, { lineWidth: -1, noRefs: true, sortKeys: false });

interface Parsed {
  document?: YamlDocument;
  error?: string;
}

/** Read YAML into a mapping, or say why it is none. */
export function parseYaml(text: string): Parsed {
  try {
    const found: unknown = load(text);
    if (typeof found !== "object" || found === null || Array.isArray(found)) return { error: words.noMapping };
    return { document: found as YamlDocument };
  } catch (error) {
    const reason = error instanceof YAMLException ? error.message.split("\n")[0] : String(error);
    return { error: words.badYaml(reason ?? "") };
  }
}

export function YamlEditor({ what, document, command, save, touches }: YamlEditorProps) {
  const current = written(document);
  const [base, setBase] = useState(current);
  const [text, setText] = useState(current);
  const isChanged = text !== base;
  if (current !== base && !isChanged) {
    setBase(current);
    setText(current);
  }
  const parsed = parseYaml(text);
  const reset = () => {
    setBase(current);
    setText(current);
  };
  return (
    <SavedForm
      action={{
        title: words.saveTitle(what),
        done: words.saved(what),
        run: () => save(parsed.document ?? {}),
        ...(touches === undefined ? {} : { touches }),
      }}
      command={command}
      isChanged={isChanged}
      isReady={parsed.error === undefined}
      onReset={reset}
      onSaved={() => setBase(text)}
    >
      {current !== base && (
        <div className="p-notification--caution" role="status">
          <div className="p-notification__content">
            <p className="p-notification__message">{words.changedMeanwhile}</p>
            <button type="button" className="p-button is-small" onClick={reset}>
              {words.takeTheirs}
            </button>
          </div>
        </div>
      )}
      <TextArea
        label={words.yaml}
        help={words.yamlHelp}
        error={parsed.error}
        className="yaml"
        spellCheck={false}
        rows={Math.min(Math.max(text.split("\n").length + 1, 10), 40)}
        value={text}
        onChange={setText}
      />
    </SavedForm>
  );
}
