// Export files of a volume that wait on the server.
import { useCallback, useState } from "react";
import {
  deleteVolumeBackup,
  renameVolumeBackup,
  useVolumeBackups,
  verifyVolumeBackup,
  volumeBackupAddress,
  volumePath,
  type Volume,
  type VolumeBackup,
} from "../../api/resources/volumes";
import { ActionDialog } from "../../components/action-dialog";
import { backupColumns } from "../../components/backup-columns";
import { queryCommand } from "../../components/command";
import { ConfirmDialog } from "../../components/confirm-dialog";
import { ExportsFrame, type ExportDialogs } from "../../components/exports-frame";
import { TextField } from "../../components/fields";
import { texts } from "../../text";
import { ExportVolume } from "./export-volume";
import type { VolumeTabProps } from "./volume-page";

const words = texts.instance.exports;

type Verb = "verify" | "rename" | "remove";

export default function ExportsTab({ volume }: VolumeTabProps) {
  const columnsFor = useCallback((act: (verb: Verb, backup: VolumeBackup) => void) => columnsOf(volume, act), [volume]);
  return (
    <ExportsFrame
      caption={texts.volumes.tabs.exports}
      query={useVolumeBackups(volume)}
      columnsOf={columnsFor}
      makeDialog={(onClose) => <ExportVolume volume={volume} onClose={onClose} />}
      dialogOf={(verb: Verb, backup, dialogs) => <FileDialog volume={volume} verb={verb} backup={backup} {...dialogs} />}
    />
  );
}

function FileDialog({ verb, onOutcome, ...props }: FileDialogProps & ExportDialogs & { verb: Verb }) {
  if (verb === "verify") return <VerifyFile {...props} onOutcome={onOutcome} />;
  return verb === "rename" ? <RenameFile {...props} /> : <RemoveFile {...props} />;
}

function columnsOf(volume: Volume, act: (verb: Verb, backup: VolumeBackup) => void) {
  return backupColumns<VolumeBackup>({
    isWithoutSnapshots: (backup) => backup.volume_only,
    addressOf: (backup) => volumeBackupAddress(volume, backup.name),
    fileStemOf: (backup) => `${volume.name}-${backup.name}`,
    actionsOf: (backup) => [
      {
        label: words.verify,
        command: commandOf(volume, "POST", `${backup.name}/verify`),
        onSelect: () => act("verify", backup),
      },
      { label: words.rename, onSelect: () => act("rename", backup) },
      {
        label: words.remove,
        command: commandOf(volume, "DELETE", backup.name),
        isDangerous: true,
        onSelect: () => act("remove", backup),
      },
    ],
  });
}

/** There is no command for these files of volumes: they are reached by the API. */
const commandOf = (volume: Volume, method: string, rest: string, body?: unknown): string =>
  queryCommand(volume.project, method, `${volumePath(volume)}/backups/${rest}`, body);

interface FileDialogProps extends VolumeTabProps {
  backup: VolumeBackup;
  onClose: () => void;
}

function VerifyFile({ volume, backup: { name }, onClose, onOutcome }: FileDialogProps & ExportDialogs) {
  return (
    <ActionDialog
      action={{
        title: words.verifyTitle(name),
        done: words.verified(name),
        run: () => verifyVolumeBackup(volume, name),
      }}
      command={commandOf(volume, "POST", `${name}/verify`)}
      submit={words.verify}
      onClose={onClose}
      onDone={(operation) => onOutcome(words.verified(name), operation?.metadata?.["verification"])}
    >
      <p>{words.verifyIntro}</p>
    </ActionDialog>
  );
}

function RenameFile({ volume, backup: { name }, onClose }: FileDialogProps) {
  const [newName, setNewName] = useState(name);
  return (
    <ActionDialog
      action={{
        title: words.renameTitle(name),
        done: words.renamed(newName),
        run: () => renameVolumeBackup(volume, name, newName),
        touches: [volumePath(volume)],
      }}
      command={commandOf(volume, "POST", name, { name: newName })}
      submit={texts.rename}
      isReady={newName !== "" && newName !== name}
      onClose={onClose}
    >
      <TextField label={texts.newName} value={newName} onChange={setNewName} autoComplete="off" />
    </ActionDialog>
  );
}

function RemoveFile({ volume, backup: { name }, onClose }: FileDialogProps) {
  return (
    <ConfirmDialog
      action={{
        title: words.removeTitle(name),
        done: words.removed(name),
        run: () => deleteVolumeBackup(volume, name),
        touches: [volumePath(volume)],
      }}
      command={commandOf(volume, "DELETE", name)}
      submit={texts.delete}
      onClose={onClose}
    >
      <p>{texts.volumes.exports.removeIntro}</p>
    </ConfirmDialog>
  );
}
