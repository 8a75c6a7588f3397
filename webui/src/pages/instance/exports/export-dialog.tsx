// Makes an export file on the server.
import { useState } from "react";
import type { Schemas } from "../../../api/client";
import { makeBackup } from "../../../api/resources/backups";
import { useSnapshots } from "../../../api/resources/snapshots";
import { ActionDialog } from "../../../components/action-dialog";
import { storedCommand } from "../../../components/command";
import { ExportFields, exportWords, type ExportChoice } from "../../../components/export-fields";
import { CheckField, TextArea } from "../../../components/fields";
import { Marked } from "../../../components/marked";
import { texts } from "../../../text";
import type { InstanceDialogProps } from "../../instances/instance-dialogs";

const words = texts.instance.exports;
const DAY_MS = 24 * 60 * 60 * 1000;

interface Form extends ExportChoice {
  isOptimized: boolean;
  exclude: string;
}

const patternsOf = (form: Form): string[] =>
  form.exclude
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");

function bodyOf(form: Form): Partial<Schemas["BackupsPost"]> {
  return {
    name: form.name,
    instance_only: !form.withSnapshots || form.snapshot !== "",
    compression_algorithm: form.compression,
    optimized_storage: form.isOptimized,
    expires_at: form.keptDays === "" ? null : new Date(Date.now() + Number(form.keptDays) * DAY_MS).toISOString(),
    snapshot: form.snapshot,
    exclude: patternsOf(form),
  };
}

function commandOf(instance: string, project: string, form: Form): string {
  return storedCommand(
    { name: instance, project },
    "create",
    ...exportWords(form),
    form.isOptimized && "--optimized-storage",
    ...patternsOf(form).flatMap((pattern) => ["--exclude", pattern]),
  );
}

interface ExportDialogProps extends InstanceDialogProps {
  snapshot?: string;
}

export function ExportDialog({ instance, snapshot = "", onClose }: ExportDialogProps) {
  const { name: owner, project } = instance;
  const snapshots = useSnapshots(owner, project);
  const [form, setForm] = useState<Form>({
    name: "",
    snapshot,
    withSnapshots: true,
    compression: "",
    isOptimized: false,
    keptDays: "7",
    exclude: "",
  });
  const set = (change: Partial<Form>) => setForm({ ...form, ...change });
  return (
    <ActionDialog
      action={{
        title: words.makeTitle(owner),
        done: words.made(form.name),
        run: () => makeBackup(owner, project, bodyOf(form) as Schemas["BackupsPost"]),
        touches: [`/1.0/instances/${owner}/backups`],
      }}
      command={commandOf(owner, project, form)}
      submit={words.makeSubmit}
      onClose={onClose}
    >
      <ExportFields
        choice={form}
        set={set}
        snapshots={snapshots.data ?? []}
        now={words.snapshotNow}
        all={words.snapshots}
      />
      <TextArea
        label={words.exclude}
        help={words.excludeHelp}
        rows={2}
        value={form.exclude}
        onChange={(exclude) => set({ exclude })}
      />
      <CheckField
        label={words.optimizedStorage}
        isChecked={form.isOptimized}
        onChange={(isOptimized) => set({ isOptimized })}
      />
      <p className="p-form-help-text">
        <Marked text={words.makeHelp} />
      </p>
    </ActionDialog>
  );
}
