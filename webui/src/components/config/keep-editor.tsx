// How many scheduled snapshots stay: `snapshots.keep` as numbers.
import { texts } from "../../text";
import { TextField } from "../fields";

const words = texts.configuration.keep;

type Part = keyof typeof words.parts;

const PARTS = Object.keys(words.parts) as Part[];

export function partsOf(keep: string): Partial<Record<Part, string>> {
  return Object.fromEntries(
    keep
      .split(",")
      .map((term) => term.trim().split("="))
      .filter(([name]) => PARTS.includes(name as Part)),
  );
}

function keepOf(parts: Partial<Record<Part, string>>): string {
  return PARTS.filter((part) => (parts[part] ?? "") !== "")
    .map((part) => `${part}=${parts[part]}`)
    .join(",");
}

interface KeepEditorProps {
  value: string;
  inherited: string | undefined;
  onChange: (value: string) => void;
  error?: string | undefined;
}

export function KeepEditor({ value, inherited, onChange, error }: KeepEditorProps) {
  const parts = partsOf(value);
  const theirs = partsOf(inherited ?? "");
  return (
    <fieldset className="plain-fieldset">
      <legend className="field-title">{words.title}</legend>
      <div className="keep-parts">
        {PARTS.map((part) => (
          <TextField
            key={part}
            label={words.parts[part]}
            type="number"
            min={0}
            max={99999}
            value={parts[part] ?? ""}
            placeholder={value === "" ? (theirs[part] ?? "") : ""}
            onChange={(number) => onChange(keepOf({ ...parts, [part]: number }))}
          />
        ))}
      </div>
      <p className={error ? "p-form-validation__message" : "p-form-help-text"}>{error || words.help}</p>
    </fieldset>
  );
}
