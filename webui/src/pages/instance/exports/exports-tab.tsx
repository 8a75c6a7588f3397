// Export files of an instance that wait on the server.
import { useCallback } from "react";
import { backupAddress, useBackups, type Backup } from "../../../api/resources/backups";
import type { MenuAction } from "../../../components/action-menu";
import { backupColumns } from "../../../components/backup-columns";
import { storedCommand } from "../../../components/command";
import type { Column } from "../../../components/data-table";
import { ExportsFrame, type ExportDialogs } from "../../../components/exports-frame";
import { texts } from "../../../text";
import type { TabProps } from "../instance-page";
import { DeleteBackup, RenameBackup, TestBackup, VerifyBackup } from "./backup-dialogs";
import { ExportDialog } from "./export-dialog";

const words = texts.instance.exports;

type Verb = "verify" | "test" | "rename" | "remove";

export default function ExportsTab({ instance }: TabProps) {
  const { name, project } = instance;
  const columnsOf = useCallback(
    (act: (verb: Verb, backup: Backup) => void) => instanceColumns(name, project, act),
    [name, project],
  );
  return (
    <ExportsFrame
      caption={texts.instance.tabs.exports}
      query={useBackups(name, project)}
      columnsOf={columnsOf}
      makeDialog={(onClose) => <ExportDialog instance={instance} onClose={onClose} />}
      dialogOf={(verb: Verb, backup, dialogs) => (
        <BackupDialog instance={instance} verb={verb} backup={backup} {...dialogs} />
      )}
    />
  );
}

interface BackupDialogProps extends TabProps, ExportDialogs {
  verb: Verb;
  backup: Backup;
}

function BackupDialog({ verb, onOutcome, ...props }: BackupDialogProps) {
  if (verb === "verify") return <VerifyBackup {...props} onOutcome={onOutcome} />;
  if (verb === "test") return <TestBackup {...props} onOutcome={onOutcome} />;
  return verb === "rename" ? <RenameBackup {...props} /> : <DeleteBackup {...props} />;
}

function instanceColumns(
  instance: string,
  project: string,
  act: (verb: Verb, backup: Backup) => void,
): Column<Backup>[] {
  const command = (verb: string, backup: Backup, ...rest: string[]) =>
    storedCommand({ name: instance, project }, verb, backup.name, ...rest);
  const menu = (backup: Backup): MenuAction[] => [
    {
      label: words.verify,
      command: command("verify", backup),
      onSelect: () => act("verify", backup),
    },
    {
      label: words.test,
      command: command("test", backup),
      onSelect: () => act("test", backup),
    },
    { label: words.rename, onSelect: () => act("rename", backup) },
    {
      label: words.remove,
      command: command("delete", backup),
      isDangerous: true,
      onSelect: () => act("remove", backup),
    },
  ];
  return backupColumns({
    isWithoutSnapshots: (backup) => backup.instance_only,
    addressOf: (backup) => backupAddress(instance, backup.name, project),
    fileStemOf: (backup) => `${instance}-${backup.name}`,
    downloadOf: (backup) => command("download", backup, "FILE"),
    actionsOf: menu,
  });
}
