// Makes an export file of a volume on the server.
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { makeVolumeBackup, useVolumeSnapshots, volumePath } from "../../api/resources/volumes";
import { ActionDialog } from "../../components/action-dialog";
import { storedCommand } from "../../components/command";
import { ExportFields, exportWords, type ExportChoice } from "../../components/export-fields";
import { Marked } from "../../components/marked";
import { texts } from "../../text";
import type { VolumeTabProps } from "./volume-page";

const words = texts.instance.exports;
const own = texts.volumes.exports;
const DAY_MS = 24 * 60 * 60 * 1000;

function bodyOf(form: ExportChoice): Schemas["VolumeBackupsPost"] {
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
  const { name: owner } = volume;
  const snapshots = useVolumeSnapshots(volume);
  const [form, setForm] = useState<ExportChoice>({ name: "", snapshot, withSnapshots: true, compression: "", keptDays: "7" });
  return (
    <ActionDialog
      action={{
        title: words.makeTitle(owner),
        done: words.made(form.name),
        run: () => makeVolumeBackup(volume, bodyOf(form)),
        touches: [volumePath(volume)],
      }}
      command={storedCommand(volume, "create", ...exportWords(form))}
      submit={words.makeSubmit}
      onClose={onClose}
    >
      <ExportFields
        choice={form}
        set={(change) => setForm({ ...form, ...change })}
        snapshots={snapshots.data ?? []}
        now={own.now}
        all={own.withSnapshots}
      />
      <p className="p-form-help-text">
        <Marked text={words.makeHelp} />
      </p>
    </ActionDialog>
  );
}
