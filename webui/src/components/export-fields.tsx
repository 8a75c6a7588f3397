// What is asked of every export file that is made on the server, of instances and of volumes.
import { texts } from "../text";
import { COMPRESSIONS } from "./compressions";
import { CheckField, SelectField, TextField } from "./fields";

const words = texts.instance.exports;

export interface ExportChoice {
  name: string;
  /** Only this one; "" is what there is now. */
  snapshot: string;
  withSnapshots: boolean;
  compression: string;
  /** "" is until somebody deletes it. */
  keptDays: string;
}

/** What the command says of the choice. */
export function exportWords({ name, snapshot, withSnapshots, compression, keptDays }: ExportChoice): string[] {
  return [
    ...(name === "" ? [] : [name]),
    ...(snapshot === "" ? [] : ["--snapshot", snapshot]),
    ...(withSnapshots || snapshot !== "" ? [] : ["--without-snapshots"]),
    ...(compression === "" ? [] : ["--compression", compression]),
    ...(keptDays === "" ? [] : ["--expires", `${keptDays}d`]),
  ];
}

interface ExportFieldsProps {
  choice: ExportChoice;
  set: (change: Partial<ExportChoice>) => void;
  snapshots: { name: string }[];
  /** How the present state is called, and all its snapshots. */
  now: string;
  all: string;
}

export function ExportFields({ choice, set, snapshots, now, all }: ExportFieldsProps) {
  return (
    <>
      <SelectField
        label={words.snapshot}
        value={choice.snapshot}
        onChange={(snapshot) => set({ snapshot })}
        choices={[
          { value: "", label: now },
          ...snapshots.map((each) => ({ value: each.name, label: words.snapshotOnly(each.name) })).reverse(),
        ]}
      />
      {choice.snapshot === "" && (
        <CheckField
          label={all}
          isChecked={choice.withSnapshots}
          onChange={(withSnapshots) => set({ withSnapshots })}
        />
      )}
      <div className="field-row">
        <TextField
          label={words.name}
          help={words.nameHelp}
          value={choice.name}
          onChange={(name) => set({ name })}
          autoComplete="off"
        />
        <SelectField
          label={words.keep}
          value={choice.keptDays}
          onChange={(keptDays) => set({ keptDays })}
          choices={Object.entries(words.keepChoices).map(([value, label]) => ({ value, label }))}
        />
        <SelectField
          label={words.compression}
          value={choice.compression}
          onChange={(compression) => set({ compression })}
          choices={[{ value: "", label: words.compressionServer }, ...COMPRESSIONS]}
        />
      </div>
    </>
  );
}
