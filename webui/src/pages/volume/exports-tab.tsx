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
import { ActionDialog } from "../../components/action-dialog";
import { backupColumns } from "../../components/backup-columns";
import { queryCommand } from "../../components/command";
import { ConfirmDialog } from "../../components/confirm-dialog";
import { DataTable } from "../../components/data-table";
import { TextField } from "../../components/fields";
import { Loaded } from "../../components/loaded";
import { OutcomeDialog } from "../../components/outcome-dialog";
import { texts } from "../../text";
import { ExportVolume } from "./export-volume";
import type { VolumeTabProps } from "./volume-page";

const words = texts.instance.exports;

type Verb = "verify" | "rename" | "remove";
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

function VerifyFile({ volume, backup: { name }, onClose, onOutcome }: FileDialogProps & { onOutcome: (outcome: Outcome) => void }) {
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
      onDone={(operation) => onOutcome({ title: words.verified(name), facts: operation?.metadata?.["verification"] })}
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
