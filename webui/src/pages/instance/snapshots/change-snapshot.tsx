// Changes name, description, expiry and hold of a snapshot.
import { useState } from "react";
import type { Schemas } from "../../../api/client";
import { finished } from "../../../api/operations";
import { changeSnapshot, renameSnapshot, type Snapshot } from "../../../api/resources/snapshots";
import { ActionDialog } from "../../../components/action-dialog";
import { holdfast } from "../../../components/command";
import { CheckField, SelectField, TextField } from "../../../components/fields";
import { texts } from "../../../text";
import type { InstanceDialogProps } from "../../instances/instance-dialogs";
import { isSnapshotName, isoOfLocal, localOfIso, NEVER } from "../../../components/snapshot-facts";

const words = texts.snapshots.change;

interface ChangeSnapshotProps extends InstanceDialogProps {
  snapshot: Snapshot;
}

/** What is to be sent: only what was changed, so that nothing else is overwritten. */
function bodyOf(snapshot: Snapshot, description: string, date: string, isHeld: boolean): Schemas["SnapshotPut"] {
  return {
    ...(description === snapshot.description ? {} : { description }),
    ...(date === localOfIso(snapshot.expires_at) ? {} : { expires_at: date === "" ? NEVER : isoOfLocal(date) ?? null }),
    ...(isHeld === snapshot.held ? {} : { held: isHeld }),
  };
}

export function ChangeSnapshot({ instance, snapshot, onClose }: ChangeSnapshotProps) {
  const { name: owner, project } = instance;
  const [name, setName] = useState(snapshot.name);
  const [description, setDescription] = useState(snapshot.description);
  const [date, setDate] = useState(localOfIso(snapshot.expires_at));
  const [isDated, setDated] = useState(date !== "");
  const [isHeld, setHeld] = useState(snapshot.held);
  const body = bodyOf(snapshot, description, isDated ? date : "", isHeld);
  const isRenamed = name !== snapshot.name;
  const isChanged = Object.keys(body).length > 0;
  const run = async () => {
    if (isChanged) await finished(await changeSnapshot(owner, snapshot.name, project, body));
    return isRenamed ? renameSnapshot(owner, snapshot.name, project, name) : undefined;
  };
  const path = `${owner}/${snapshot.name}`;
  const commands = [
    isHeld !== snapshot.held && holdfast(project, "snapshot", isHeld ? "hold" : "release", path),
    ("description" in body || "expires_at" in body) && `${yamlLines(body)} | ${holdfast(project, "config", "edit", path)}`,
    isRenamed && holdfast(project, "rename", path, `${owner}/${name}`),
  ].filter((command): command is string => typeof command === "string");
  const isNameFine = isSnapshotName(name);
  return (
    <ActionDialog
      action={{ title: words.title(snapshot.name), done: words.done(name), run }}
      command={commands.length > 0 ? commands : holdfast(project, "config", "edit", path)}
      submit={texts.save}
      isReady={isNameFine && (isRenamed || isChanged) && (!isDated || isoOfLocal(date) !== undefined)}
      onClose={onClose}
    >
      <TextField
        label={texts.name}
        value={name}
        onChange={setName}
        autoComplete="off"
        error={isNameFine ? undefined : texts.snapshots.create.badName}
      />
      <TextField label={texts.description} value={description} onChange={setDescription} />
      <SelectField
        label={words.expires}
        value={isDated ? "date" : "never"}
        onChange={(value) => setDated(value === "date")}
        choices={[
          { value: "never", label: words.never },
          { value: "date", label: words.until },
        ]}
      />
      {isDated && (
        <TextField label={texts.snapshots.create.date} type="datetime-local" value={date} onChange={setDate} />
      )}
      <CheckField label={words.held} isChecked={isHeld} onChange={setHeld} />
    </ActionDialog>
  );
}

/** The words that feed `config edit` from a pipe. */
function yamlLines(body: Schemas["SnapshotPut"]): string {
  const lines = Object.entries(body)
    .filter(([key]) => key !== "held")
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  return `printf '%s\\n' ${lines.map((line) => `'${line.replaceAll("'", "'\\''")}'`).join(" ")}`;
}
