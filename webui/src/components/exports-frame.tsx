// The frame of the tab Exports, of instances and of volumes: makes export files, lists them, opens what is asked for one.
import type { UseQueryResult } from "@tanstack/react-query";
import { useMemo, useState, type ReactNode } from "react";
import { texts } from "../text";
import type { StoredFile } from "./backup-columns";
import { DataTable, type Column } from "./data-table";
import { Loaded } from "./loaded";
import { OutcomeDialog } from "./outcome-dialog";

const words = texts.instance.exports;

export interface ExportDialogs {
  onClose: () => void;
  /** Gets what came out of it, to be shown. */
  onOutcome: (title: string, facts: unknown) => void;
}

interface ExportsFrameProps<File, Verb> {
  caption: string;
  query: UseQueryResult<File[]>;
  columnsOf: (act: (verb: Verb, file: File) => void) => Column<File>[];
  makeDialog: (onClose: () => void) => ReactNode;
  dialogOf: (verb: Verb, file: File, dialogs: ExportDialogs) => ReactNode;
}

export function ExportsFrame<File extends StoredFile, Verb extends string>(props: ExportsFrameProps<File, Verb>) {
  const { caption, query, columnsOf, makeDialog, dialogOf } = props;
  const [isMaking, setMaking] = useState(false);
  const [shown, setShown] = useState<{ verb: Verb; file: File }>();
  const [outcome, setOutcome] = useState<{ title: string; facts: unknown }>();
  const columns = useMemo(() => columnsOf((verb, file) => setShown({ verb, file })), [columnsOf]);
  return (
    <>
      <p className="page-description">{words.intro}</p>
      <div className="toolbar">
        <button type="button" className="p-button--positive" onClick={() => setMaking(true)}>
          {words.make}
        </button>
      </div>
      <Loaded query={query}>
        {(all) => (
          <DataTable
            caption={caption}
            columns={columns}
            rows={all}
            rowKey={(file) => file.name}
            sortedBy="created"
            isDescending
            empty={words.empty}
          />
        )}
      </Loaded>
      {isMaking && makeDialog(() => setMaking(false))}
      {shown !== undefined &&
        dialogOf(shown.verb, shown.file, {
          onClose: () => setShown(undefined),
          onOutcome: (title, facts) => facts !== undefined && setOutcome({ title, facts }),
        })}
      {outcome !== undefined && <OutcomeDialog {...outcome} onClose={() => setOutcome(undefined)} />}
    </>
  );
}
