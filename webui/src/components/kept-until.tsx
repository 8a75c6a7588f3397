// Until when something is kept: for ever, or to a date.
import { texts } from "../text";
import { SelectField, TextField } from "./fields";

const words = texts.snapshots;

interface KeptUntilProps {
  /** As a field of date and time holds it; "" is for ever, undefined not yet filled in. */
  date: string | undefined;
  isDated: boolean;
  onChange: (change: { date?: string; isDated?: boolean }) => void;
}

export function KeptUntil({ date, isDated, onChange }: KeptUntilProps) {
  return (
    <>
      <SelectField
        label={words.change.expires}
        value={isDated ? "date" : "never"}
        onChange={(value) => onChange({ isDated: value === "date" })}
        choices={[
          { value: "never", label: words.change.never },
          { value: "date", label: words.change.until },
        ]}
      />
      {isDated && (
        <TextField
          label={words.create.date}
          type="datetime-local"
          value={date ?? ""}
          onChange={(value) => onChange({ date: value })}
        />
      )}
    </>
  );
}
