// Takes a snapshot.
import { useState } from "react";
import type { Schemas } from "../../../api/client";
import { useStatefulProblem } from "../../../api/resources/server";
import { takeSnapshot, useSnapshots } from "../../../api/resources/snapshots";
import { ActionDialog } from "../../../components/action-dialog";
import { holdfast } from "../../../components/command";
import { CheckField, SelectField, TextField } from "../../../components/fields";
import { texts } from "../../../text";
import type { InstanceDialogProps } from "../../instances/instance-dialogs";
import { isoOfLocal, isSpan, NEVER, problemOf } from "../../../components/snapshot-facts";

const words = texts.snapshots.create;

type Kept = keyof typeof words.expiryChoices;

interface Form {
  name: string;
  description: string;
  kept: Kept;
  span: string;
  date: string;
  withVolumes: boolean;
  isStateful: boolean;
}

function bodyOf(form: Form): Schemas["SnapshotsPost"] {
  return {
    name: form.name,
    description: form.description,
    stateful: form.isStateful,
    disk_volumes_mode: form.withVolumes ? "all-exclusive" : "root",
    ...(form.kept === "span" ? { expiry: form.span } : {}),
    ...(form.kept === "never" ? { expires_at: NEVER } : {}),
    ...(form.kept === "date" ? { expires_at: isoOfLocal(form.date) ?? null } : {}),
  };
}

function commandOf(instance: string, project: string, form: Form): string {
  return holdfast(
    project,
    "snapshot",
    "create",
    instance,
    form.name !== "" && form.name,
    ...(form.description === "" ? [] : ["--description", form.description]),
    form.kept === "never" && "--no-expiry",
    ...(form.kept === "span" ? ["--expires", form.span] : []),
    ...(form.kept === "date" ? ["--expires", form.date] : []),
    form.withVolumes && "--disk-volumes=all-exclusive",
    form.isStateful && "--stateful",
  );
}

export function CreateSnapshot({ instance, onClose }: InstanceDialogProps) {
  const { name, project } = instance;
  const [form, setForm] = useState<Form>({
    name: "",
    description: "",
    kept: "rule",
    span: "1w",
    date: "",
    withVolumes: false,
    isStateful: false,
  });
  const set = (change: Partial<Form>) => setForm({ ...form, ...change });
  const { data: others } = useSnapshots(name, project);
  const nameProblem = problemOf(form.name, others ?? []);
  const isSpanFine = form.kept !== "span" || isSpan(form.span);
  const isKeptFine = form.kept === "date" ? isoOfLocal(form.date) !== undefined : isSpanFine;
  const hasVolumes = Object.values(instance.expanded_devices).some((device) => device["type"] === "disk" && device["source"]);
  const mayBeStateful = ["true", "1", "yes", "on"].includes(instance.expanded_config["migration.stateful"] ?? "");
  const spans = {
    manual: instance.expanded_config["snapshots.expiry.manual"],
    all: instance.expanded_config["snapshots.expiry"],
  };
  const problem = useStatefulProblem();
  const pattern = instance.expanded_config["snapshots.pattern"] ?? "snap%d";
  return (
    <ActionDialog
      action={{
        title: words.title(name),
        done: form.name === "" ? words.done : words.doneNamed(form.name),
        run: () => takeSnapshot(name, project, bodyOf(form)),
      }}
      command={commandOf(name, project, form)}
      submit={words.submit}
      isReady={nameProblem === undefined && isKeptFine}
      onClose={onClose}
    >
      <TextField
        label={words.name}
        help={words.nameHelp(pattern)}
        value={form.name}
        onChange={(value) => set({ name: value })}
        autoComplete="off"
        error={nameProblem}
      />
      <TextField label={words.description} value={form.description} onChange={(description) => set({ description })} />
      <SelectField
        label={words.expiry}
        value={form.kept}
        onChange={(kept) => set({ kept: kept as Kept })}
        choices={Object.entries({ ...words.expiryChoices, rule: words.byRule(spans.manual ?? spans.all) }).map(
          ([value, label]) => ({ value, label }),
        )}
      />
      {form.kept === "span" && (
        <TextField
          label={words.span}
          help={words.spanHelp}
          value={form.span}
          onChange={(span) => set({ span })}
          error={isSpanFine || form.span === "" ? undefined : words.spanHelp}
        />
      )}
      {form.kept === "date" && (
        <TextField label={words.date} type="datetime-local" value={form.date} onChange={(date) => set({ date })} />
      )}
      {hasVolumes && (
        <CheckField
          label={words.volumes}
          isChecked={form.withVolumes}
          onChange={(withVolumes) => set({ withVolumes })}
        />
      )}
      <CheckField
        label={words.stateful}
        help={problem || words.statefulHelp}
        isChecked={form.isStateful}
        disabled={!mayBeStateful || problem !== ""}
        onChange={(isStateful) => set({ isStateful })}
      />
    </ActionDialog>
  );
}
