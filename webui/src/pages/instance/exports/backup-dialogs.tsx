// Dialogs of an export file on the server: verify, test, rename, delete.
import { useState } from "react";
import { deleteBackup, renameBackup, testBackup, verifyBackup, type Backup } from "../../../api/resources/backups";
import { usePools } from "../../../api/resources/server";
import { ActionDialog } from "../../../components/action-dialog";
import { storedCommand } from "../../../components/command";
import { ConfirmDialog } from "../../../components/confirm-dialog";
import { SelectField, TextField } from "../../../components/fields";
import { texts } from "../../../text";
import type { InstanceDialogProps } from "../../instances/instance-dialogs";

const words = texts.instance.exports;

interface BackupDialogProps extends InstanceDialogProps {
  backup: Backup;
}

interface LookingDialogProps extends BackupDialogProps {
  /** Gets what came out of it. */
  onOutcome: (title: string, facts: unknown) => void;
}

const touchesOf = (instance: string): string[] => [`/1.0/instances/${instance}/backups`];

export function VerifyBackup({ instance, backup, onClose, onOutcome }: LookingDialogProps) {
  const { name, project } = instance;
  return (
    <ActionDialog
      action={{
        title: words.verifyTitle(backup.name),
        done: words.verified(backup.name),
        run: () => verifyBackup(name, backup.name, project),
      }}
      command={storedCommand(instance, "verify", backup.name)}
      onDone={(operation) => onOutcome(words.verified(backup.name), operation?.metadata?.["verification"])}
      submit={words.verify}
      onClose={onClose}
    >
      <p>{words.verifyIntro}</p>
    </ActionDialog>
  );
}

export function TestBackup({ instance, backup, onClose, onOutcome }: LookingDialogProps) {
  const { name, project } = instance;
  const pools = usePools();
  const [pool, setPool] = useState("");
  const [command, setCommand] = useState("");
  const [seconds, setSeconds] = useState("60");
  return (
    <ActionDialog
      action={{
        title: words.testTitle(backup.name),
        done: words.tested(backup.name),
        run: () => testBackup(name, backup.name, project, { pool, command, seconds }),
      }}
      command={storedCommand(
        instance,
        "test",
        backup.name,
        ...(pool === "" ? [] : ["-s", pool]),
        ...(command === "" ? [] : ["--command", command, "--timeout", seconds]),
      )}
      submit={words.testSubmit}
      isReady={Number(seconds) > 0}
      onClose={onClose}
      onDone={(operation) => onOutcome(words.tested(backup.name), operation?.metadata?.["backup_test"])}
    >
      <p>{words.testIntro}</p>
      <SelectField
        label={words.testPool}
        value={pool}
        onChange={setPool}
        choices={[
          { value: "", label: texts.instances.createFile.poolOfFile },
          ...(pools.data ?? []).map((each) => ({ value: each.name, label: each.name })),
        ]}
      />
      <TextField label={words.testCommand} help={words.testCommandHelp} value={command} onChange={setCommand} />
      {command !== "" && (
        <TextField label={words.testSeconds} type="number" min={1} value={seconds} onChange={setSeconds} />
      )}
    </ActionDialog>
  );
}

export function RenameBackup({ instance, backup, onClose }: BackupDialogProps) {
  const { name, project } = instance;
  const [newName, setNewName] = useState(backup.name);
  return (
    <ActionDialog
      action={{
        title: words.renameTitle(backup.name),
        done: words.renamed(newName),
        run: () => renameBackup(name, backup.name, project, newName),
        touches: touchesOf(name),
      }}
      command={storedCommand(instance, "rename", backup.name, newName)}
      submit={texts.rename}
      isReady={newName !== "" && newName !== backup.name}
      onClose={onClose}
    >
      <TextField label={texts.newName} value={newName} onChange={setNewName} autoComplete="off" />
    </ActionDialog>
  );
}

export function DeleteBackup({ instance, backup, onClose }: BackupDialogProps) {
  const { name, project } = instance;
  return (
    <ConfirmDialog
      action={{
        title: words.removeTitle(backup.name),
        done: words.removed(backup.name),
        run: () => deleteBackup(name, backup.name, project),
        touches: touchesOf(name),
      }}
      command={storedCommand(instance, "delete", backup.name)}
      submit={texts.delete}
      onClose={onClose}
    >
      <p>{words.removeIntro}</p>
    </ConfirmDialog>
  );
}
