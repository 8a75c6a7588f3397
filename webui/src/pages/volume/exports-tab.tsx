// Export files of a volume that wait on the server.
import { useMemo, useState } from "react";
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
import { DataTable } from "../../components/data-table";
import { SelectField, TextField } from "../../components/fields";
import { Loaded } from "../../components/loaded";
import { OutcomeDialog } from "../../components/outcome-dialog";
import { texts } from "../../text";
import { ExportVolume } from "./export-volume";
import type { VolumeTabProps } from "./volume-page";

const words = texts.instance.exports;
const own = texts.volumes.exports;

type Verb = "verify" | "test" | "rename" | "remove";
type Outcome = { title: string; facts: unknown };

export default function ExportsTab({ volume }: VolumeTabProps) {
  const backups = useVolumeBackups(volume);
  const [isMaking, setMaking] = useState(false);
  const [shown, setShown] = useState<{ verb: Verb; backup: VolumeBackup }>();
  const [outcome, setOutcome] = useState<Outcome>();
  const columns = useMemo(() => columnsOf(volume, (verb, backup) => setShown({ verb, backup })), [volume]);
  const dialog = shown && { volume, backup: shown.backup, onClose: () => setShown(undefined) };
  return (
    <>
      <p className="page-description">{words.intro}</p>
      <div className="toolbar">
        <button type="button" className="p-button--positive" onClick={() => setMaking(true)}>
          {words.make}
        </button>
      </div>
      <Loaded query={backups}>
        {(all) => (
          <DataTable
            caption={texts.volumes.tabs.exports}
            columns={columns}
            rows={all}
            rowKey={(backup) => backup.name}
            sortedBy="created"
            isDescending
            empty={words.empty}
          />
        )}
      </Loaded>
      {isMaking && <ExportVolume volume={volume} onClose={() => setMaking(false)} />}
      {dialog && shown.verb === "verify" && <VerifyFile {...dialog} onOutcome={setOutcome} />}
      {dialog && shown.verb === "test" && <TestFile {...dialog} onOutcome={setOutcome} />}
      {dialog && shown.verb === "rename" && <RenameFile {...dialog} />}
      {dialog && shown.verb === "remove" && <RemoveFile {...dialog} />}
      {outcome !== undefined && <OutcomeDialog {...outcome} onClose={() => setOutcome(undefined)} />}
    </>
  );
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

interface LookingDialogProps extends FileDialogProps {
  /** Gets what came out of it. */
  onOutcome: (outcome: Outcome) => void;
}

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
      onDone={(operation) => onOutcome({ title: words.verified(name), facts: operation?.metadata?.["verification"] })}
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
      onDone={(operation) => onOutcome({ title: own.tested(name), facts: operation?.metadata?.["backup_test"] })}
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
