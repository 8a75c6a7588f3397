// Export files of an instance that wait on the server.
import { useMemo, useState } from "react";
import { backupAddress, useBackups, useBackupSize, type Backup } from "../../../api/resources/backups";
import { ActionMenu, type MenuAction } from "../../../components/action-menu";
import { Age, parseTime } from "../../../components/age";
import { Bytes } from "../../../components/bytes";
import { DataTable, type Column } from "../../../components/data-table";
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
    () => backupColumns(name, project, (verb, backup) => setShown({ verb, backup })),
    [name, project],
  );
  const close = () => setShown(undefined);
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
      {shown?.verb === "verify" && <VerifyBackup instance={instance} backup={shown.backup} onClose={close} />}
      {shown?.verb === "test" && <TestBackup instance={instance} backup={shown.backup} onClose={close} />}
      {shown?.verb === "rename" && <RenameBackup instance={instance} backup={shown.backup} onClose={close} />}
      {shown?.verb === "remove" && <DeleteBackup instance={instance} backup={shown.backup} onClose={close} />}
    </>
  );
}

function backupColumns(
  instance: string,
  project: string,
  act: (verb: Verb, backup: Backup) => void,
): Column<Backup>[] {
  const menu = (backup: Backup): MenuAction[] => [
    { label: words.verify, onSelect: () => act("verify", backup) },
    { label: words.test, onSelect: () => act("test", backup) },
    { label: words.rename, onSelect: () => act("rename", backup) },
    { label: words.remove, isDangerous: true, onSelect: () => act("remove", backup) },
  ];
  return [
    { key: "name", title: texts.name, isHeader: true, cell: (backup) => backup.name, sort: (backup) => backup.name },
    {
      key: "created",
      title: words.created,
      className: "word-cell",
      cell: (backup) => <Age time={backup.created_at} />,
      sort: (backup) => parseTime(backup.created_at) ?? 0,
    },
    {
      key: "expires",
      title: words.expires,
      className: "word-cell",
      cell: (backup) => <Age time={backup.expires_at} />,
      sort: (backup) => parseTime(backup.expires_at) ?? Number.MAX_SAFE_INTEGER,
    },
    {
      key: "content",
      title: words.content,
      cell: (backup) =>
        [
          backup.instance_only ? words.withoutSnapshots : words.withSnapshots,
          ...(backup.optimized_storage ? [words.optimized] : []),
        ].join(", "),
    },
    {
      key: "size",
      title: words.size,
      className: "number-cell",
      cell: (backup) => <SizeCell instance={instance} project={project} backup={backup} />,
    },
    {
      key: "actions",
      title: texts.actions,
      isTitleHidden: true,
      className: "button-cell",
      cell: (backup) => (
        <>
          <a
            className="p-button is-small"
            href={backupAddress(instance, backup.name, project)}
            download={`${instance}-${backup.name}.tar.gz`}
            aria-label={`${words.download} ${backup.name}`}
          >
            {words.download}
          </a>{" "}
          <ActionMenu
            label="⋯"
            ariaLabel={words.actionsOf(backup.name)}
            className="p-button--base icon-button"
            actions={menu(backup)}
          />
        </>
      ),
    },
  ];
}

function SizeCell({ instance, project, backup }: { instance: string; project: string; backup: Backup }) {
  const size = useBackupSize(instance, backup.name, project);
  return <Bytes value={size.data} />;
}
