// Makes an export file of a volume on the server.
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { makeVolumeBackup, useVolumeSnapshots, volumePath } from "../../api/resources/volumes";
import { ActionDialog } from "../../components/action-dialog";
import { holdfast } from "../../components/command";
import { COMPRESSIONS } from "../../components/compressions";
import { CheckField, SelectField, TextField } from "../../components/fields";
import { texts } from "../../text";
import type { VolumeTabProps } from "./volume-page";

const words = texts.instance.exports;
const own = texts.volumes.exports;
const DAY_MS = 24 * 60 * 60 * 1000;

interface Form {
  name: string;
  snapshot: string;
  withSnapshots: boolean;
  compression: string;
  keptDays: string;
}

function bodyOf(form: Form): Schemas["VolumeBackupsPost"] {
  return {
    name: form.name,
    volume_only: !form.withSnapshots || form.snapshot !== "",
    compression_algorithm: form.compression,
    expires_at: form.keptDays === "" ? null : new Date(Date.now() + Number(form.keptDays) * DAY_MS).toISOString(),
    snapshot: form.snapshot,
  };
}

interface ExportVolumeProps extends VolumeTabProps {
  snapshot?: string;
  onClose: () => void;
}

export function ExportVolume({ volume, snapshot = "", onClose }: ExportVolumeProps) {
  const { pool, name: owner, project } = volume;
  const [form, setForm] = useState<Form>({ name: "", snapshot, withSnapshots: true, compression: "", keptDays: "7" });
  return (
    <ActionDialog
      action={{
        title: words.makeTitle(owner),
        done: words.made(form.name),
        run: () => makeVolumeBackup(volume, bodyOf(form)),
        touches: [volumePath(volume)],
      }}
      command={holdfast(
        project,
        "storage",
        "volume",
        "export",
        pool,
        owner,
        form.name !== "" && `${form.name}.tar.gz`,
        !form.withSnapshots && form.snapshot === "" && "--volume-only",
        ...(form.snapshot === "" ? [] : ["--snapshot", form.snapshot]),
        ...(form.compression === "" ? [] : ["--compression", form.compression]),
      )}
      submit={words.makeSubmit}
      onClose={onClose}
    >
      <Fields volume={volume} form={form} set={(change) => setForm({ ...form, ...change })} />
      <p className="p-form-help-text">{words.makeHelp}</p>
    </ActionDialog>
  );
}

function Fields({ volume, form, set }: VolumeTabProps & { form: Form; set: (change: Partial<Form>) => void }) {
  const snapshots = useVolumeSnapshots(volume);
  return (
    <>
      <SelectField
        label={words.snapshot}
        value={form.snapshot}
        onChange={(snapshot) => set({ snapshot })}
        choices={[
          { value: "", label: own.now },
          ...(snapshots.data ?? []).map((each) => ({ value: each.name, label: words.snapshotOnly(each.name) })).reverse(),
        ]}
      />
      {form.snapshot === "" && (
        <CheckField
          label={own.withSnapshots}
          isChecked={form.withSnapshots}
          onChange={(withSnapshots) => set({ withSnapshots })}
        />
      )}
      <div className="field-row">
        <TextField
          label={words.name}
          help={words.nameHelp}
          value={form.name}
          onChange={(name) => set({ name })}
          autoComplete="off"
        />
        <SelectField
          label={words.keep}
          value={form.keptDays}
          onChange={(keptDays) => set({ keptDays })}
          choices={Object.entries(words.keepChoices).map(([value, label]) => ({ value, label }))}
        />
        <SelectField
          label={words.compression}
          value={form.compression}
          onChange={(compression) => set({ compression })}
          choices={[{ value: "", label: words.compressionServer }, ...COMPRESSIONS]}
        />
      </div>
    </>
  );
}
