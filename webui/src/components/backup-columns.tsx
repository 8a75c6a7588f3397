// The columns of a table of export files that wait on the server: of instances and of volumes.
import { texts } from "../text";
import { ActionMenu, type MenuAction } from "./action-menu";
import { Age, parseTime } from "./age";
import { Bytes } from "./bytes";
import { WithCommand } from "./command-line";
import type { Column } from "./data-table";
import { DownloadExport } from "./download-export";

const words = texts.instance.exports;

/** What export files of instances and of volumes have in common. */
export interface StoredFile {
  name: string;
  created_at: string;
  expires_at: string;
  optimized_storage: boolean;
  size: number;
}

interface BackupColumns<File extends StoredFile> {
  isWithoutSnapshots: (file: File) => boolean;
  addressOf: (file: File) => string;
  /** How the downloaded file is called, without what tells how it is compressed. */
  fileStemOf: (file: File) => string;
  /** The command that downloads it. */
  downloadOf: (file: File) => string;
  actionsOf: (file: File) => MenuAction[];
}

export function backupColumns<File extends StoredFile>(of: BackupColumns<File>): Column<File>[] {
  return [
    { key: "name", title: texts.name, isHeader: true, cell: (file) => file.name, sort: (file) => file.name },
    {
      key: "created",
      title: words.created,
      className: "word-cell",
      cell: (file) => <Age time={file.created_at} />,
      sort: (file) => parseTime(file.created_at) ?? 0,
    },
    {
      key: "expires",
      title: words.expires,
      className: "word-cell",
      cell: (file) => <Age time={file.expires_at} />,
      sort: (file) => parseTime(file.expires_at) ?? Number.MAX_SAFE_INTEGER,
    },
    {
      key: "content",
      title: words.content,
      cell: (file) =>
        [
          of.isWithoutSnapshots(file) ? words.withoutSnapshots : words.withSnapshots,
          ...(file.optimized_storage ? [words.optimized] : []),
        ].join(", "),
    },
    {
      key: "size",
      title: words.size,
      className: "number-cell",
      cell: (file) => <Bytes value={file.size} />,
      sort: (file) => file.size,
    },
    {
      key: "actions",
      title: texts.actions,
      isTitleHidden: true,
      className: "button-cell",
      cell: (file) => (
        <>
          <WithCommand command={of.downloadOf(file)}>
            <DownloadExport
              address={of.addressOf(file)}
              stem={of.fileStemOf(file)}
              label={`${words.download} ${file.name}`}
            />
          </WithCommand>{" "}
          <ActionMenu
            label="⋯"
            ariaLabel={words.actionsOf(file.name)}
            className="p-button--base icon-button"
            actions={of.actionsOf(file)}
          />
        </>
      ),
    },
  ];
}
