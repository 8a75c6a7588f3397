// Export files of an instance that wait on the server.
import { useMemo, useState } from "react";
import { backupAddress, useBackups, type Backup } from "../../../api/resources/backups";
import type { MenuAction } from "../../../components/action-menu";
import { storedCommand } from "../../../components/command";
import { backupColumns } from "../../../components/backup-columns";
import { DataTable, type Column } from "../../../components/data-table";
import { OutcomeDialog } from "../../../components/outcome-dialog";
import { Loaded } from "../../../components/loaded";
import { texts } from "../../../text";
import type { TabProps } from "../instance-page";
import { DeleteBackup, RenameBackup, TestBackup, VerifyBackup } from "./backup-dialogs";
import { ExportDialog } from "./export-dialog";

const words = texts.instance.exports;

type Verb = "verify" | "test" | "rename" | "remove";

export default function ExportsTab({ instance }: TabProps) {
  const { name, project } = instance;
  const backups = useBackups(name, project);
  const [isMaking, setMaking] = useState(false);
  const [shown, setShown] = useState<{ verb: Verb; backup: Backup }>();
  const columns = useMemo(
    () => instanceColumns(name, project, (verb, backup) => setShown({ verb, backup })),
    [name, project],
  );
  const [outcome, setOutcome] = useState<{ title: string; facts: unknown }>();
  const close = () => setShown(undefined);
  const onOutcome = (title: string, facts: unknown) => facts !== undefined && setOutcome({ title, facts });
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
            caption={texts.instance.tabs.exports}
            columns={columns}
            rows={all}
            rowKey={(backup) => backup.name}
            sortedBy="created"
            isDescending
            empty={words.empty}
          />
        )}
      </Loaded>
      {isMaking && <ExportDialog instance={instance} onClose={() => setMaking(false)} />}
      {shown?.verb === "verify" && (
        <VerifyBackup instance={instance} backup={shown.backup} onClose={close} onOutcome={onOutcome} />
      )}
      {shown?.verb === "test" && (
        <TestBackup instance={instance} backup={shown.backup} onClose={close} onOutcome={onOutcome} />
      )}
      {shown?.verb === "rename" && <RenameBackup instance={instance} backup={shown.backup} onClose={close} />}
      {outcome !== undefined && <OutcomeDialog {...outcome} onClose={() => setOutcome(undefined)} />}
      {shown?.verb === "remove" && <DeleteBackup instance={instance} backup={shown.backup} onClose={close} />}
    </>
  );
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
