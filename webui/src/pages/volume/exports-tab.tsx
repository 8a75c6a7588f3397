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
import { testVolumeBackup } from "../../api/resources/backups";
import { usePools } from "../../api/resources/server";
import { ActionDialog } from "../../components/action-dialog";
import { backupColumns } from "../../components/backup-columns";
import { storedCommand } from "../../components/command";
import { ConfirmDialog } from "../../components/confirm-dialog";
import { ExportsFrame, type ExportDialogs } from "../../components/exports-frame";
import { SelectField, TextField } from "../../components/fields";
import { texts } from "../../text";
import { ExportVolume } from "./export-volume";
import type { VolumeTabProps } from "./volume-page";

const words = texts.instance.exports;
const own = texts.volumes.exports;

type Verb = "verify" | "test" | "rename" | "remove";

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
  if (verb === "test") return <TestFile {...props} onOutcome={onOutcome} />;
  return verb === "rename" ? <RenameFile {...props} /> : <RemoveFile {...props} />;
}

function columnsOf(volume: Volume, act: (verb: Verb, backup: VolumeBackup) => void) {
  return backupColumns<VolumeBackup>({
    isWithoutSnapshots: (backup) => backup.volume_only,
    addressOf: (backup) => volumeBackupAddress(volume, backup.name),
    fileStemOf: (backup) => `${volume.name}-${backup.name}`,
    downloadOf: (backup) => storedCommand(volume, "download", backup.name, "FILE"),
    actionsOf: (backup) => [
      {
        label: words.verify,
        command: storedCommand(volume, "verify", backup.name),
        onSelect: () => act("verify", backup),
      },
      {
        label: words.test,
        command: storedCommand(volume, "test", backup.name),
        onSelect: () => act("test", backup),
      },
      { label: words.rename, onSelect: () => act("rename", backup) },
      {
        label: words.remove,
        command: storedCommand(volume, "delete", backup.name),
        isDangerous: true,
        onSelect: () => act("remove", backup),
      },
    ],
  });
}

interface FileDialogProps extends VolumeTabProps {
  backup: VolumeBackup;
  onClose: () => void;
}

type LookingDialogProps = FileDialogProps & Pick<ExportDialogs, "onOutcome">;

function VerifyFile({ volume, backup: { name }, onClose, onOutcome }: LookingDialogProps) {
  return (
    <ActionDialog
      action={{
        title: words.verifyTitle(name),
        done: words.verified(name),
        run: () => verifyVolumeBackup(volume, name),
      }}
      command={storedCommand(volume, "verify", name)}
      submit={words.verify}
      onClose={onClose}
      onDone={(operation) => onOutcome(words.verified(name), operation?.metadata?.["verification"])}
    >
      <p>{words.verifyIntro}</p>
    </ActionDialog>
  );
}

function TestFile({ volume, backup: { name }, onClose, onOutcome }: LookingDialogProps) {
  const pools = usePools();
  const [pool, setPool] = useState("");
  return (
    <ActionDialog
      action={{
        title: words.testTitle(name),
        done: own.tested(name),
        run: () => testVolumeBackup(volume, name, pool),
      }}
      command={storedCommand(volume, "test", name, ...(pool === "" ? [] : ["-s", pool]))}
      submit={words.testSubmit}
      onClose={onClose}
      onDone={(operation) => onOutcome(own.tested(name), operation?.metadata?.["backup_test"])}
    >
      <p>{own.testIntro}</p>
      <SelectField
        label={words.testPool}
        value={pool}
        onChange={setPool}
        choices={[
          { value: "", label: texts.instances.createFile.poolOfFile },
          ...(pools.data ?? []).map((each) => ({ value: each.name, label: each.name })),
        ]}
      />
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
      command={storedCommand(volume, "rename", name, newName)}
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
      command={storedCommand(volume, "delete", name)}
      submit={texts.delete}
      onClose={onClose}
    >
      <p>{texts.volumes.exports.removeIntro}</p>
    </ConfirmDialog>
  );
}
