// Anything that can be changed as YAML.
import { dump, load } from "js-yaml";
import { useMemo, useState } from "react";
import { texts } from "../../text";
import { ActionDialog } from "../action-dialog";
import { TextArea } from "../fields";
import type { Begun } from "../run-action";

const words = texts.configuration;

type Document = Record<string, unknown>;

interface YamlEditorProps {
  /** Whose it is. */
  name: string;
  /** What is there now. */
  value: Document;
  /** The command that edits the same. */
  command: string;
  save: (value: Document) => Promise<Begun> | Promise<void>;
  touches?: string[];
}

interface Parsed {
  value: Document | undefined;
  problem: string | undefined;
}

function parse(text: string): Parsed {
  try {
    const value = load(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return { value: undefined, problem: words.yamlNoMap };
    }
    return { value: value as Document, problem: undefined };
  } catch (error) {
    const [line = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
    return { value: undefined, problem: words.yamlBad(line) };
  }
}

const isSame = (one: string, other: string): boolean => sorted(one) === sorted(other);
const sorted = (text: string): string => dump(parse(text).value, { sortKeys: true, noRefs: true, skipInvalid: true });
const toYaml = (value: Document): string => dump(value, { lineWidth: -1, sortKeys: false, noRefs: true });

export function YamlEditor({ name, value, command, save, touches }: YamlEditorProps) {
  const current = useMemo(() => toYaml(value), [value]);
  const [base, setBase] = useState(current);
  const [text, setText] = useState(current);
  const [saved, setSaved] = useState<string>();
  const [isSaving, setSaving] = useState(false);
  const { value: edited, problem } = useMemo(() => parse(text), [text]);
  const isStale = current !== base;
  const reload = () => {
    setBase(current);
    setText(current);
    setSaved(undefined);
  };
  // Nobody has typed yet, or not since it was saved here: show what is new at once.
  const isUntouched = text === (saved ?? base);
  if (isStale && isUntouched) reload();
  // What was saved here has come back only now: who has typed on meanwhile goes on from it.
  else if (isStale && saved !== undefined && isSame(saved, current)) {
    setBase(current);
    setSaved(undefined);
  }
  return (
    <>
      {isStale && !isUntouched && (
        <div className="p-notification--caution" role="alert">
          <div className="p-notification__content">
            <p className="p-notification__message">{words.yamlChanged}</p>
            <button type="button" className="p-button" onClick={reload}>
              {words.yamlReload}
            </button>
          </div>
        </div>
      )}
      <TextArea
        label={words.yamlLabel}
        help={words.yamlHelp}
        error={problem}
        className="yaml"
        spellCheck={false}
        rows={Math.min(30, Math.max(12, text.split("\n").length + 1))}
        value={text}
        onChange={setText}
      />
      <div className="save-bar">
        <button type="button" className="p-button" disabled={text === current} onClick={reload}>
          {words.reset}
        </button>
        <button
          type="button"
          className="p-button--positive"
          disabled={text === current || text === saved || edited === undefined || isStale}
          onClick={() => setSaving(true)}
        >
          {words.save}
        </button>
      </div>
      {isSaving && edited !== undefined && (
        <ActionDialog
          action={{
            title: words.saveTitle(name),
            done: words.saved(name),
            run: () => save(edited),
            ...(touches === undefined ? {} : { touches }),
          }}
          command={command}
          submit={texts.save}
          onClose={() => setSaving(false)}
          onDone={() => setSaved(text)}
        />
      )}
    </>
  );
}
