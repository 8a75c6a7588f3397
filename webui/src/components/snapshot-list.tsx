// Snapshots of an instance or a volume: on a line of time and as a table, of which several can be chosen.
import { useState } from "react";
import { texts } from "../text";
import { DataTable, type Column } from "./data-table";
import { Timeline } from "./timeline";

const words = texts.snapshots;

export interface ListedSnapshot {
  name: string;
  created_at: string;
  held: boolean;
}

interface SnapshotListProps<Snapshot extends ListedSnapshot> {
  snapshots: Snapshot[];
  columns: Column<Snapshot>[];
  selected: ReadonlySet<string>;
  onSelect: (names: ReadonlySet<string>) => void;
  /** Asks about deleting those that are chosen. */
  onRemove: (snapshots: Snapshot[]) => void;
}

export function SnapshotList<Snapshot extends ListedSnapshot>(props: SnapshotListProps<Snapshot>) {
  const { snapshots, columns, selected, onSelect, onRemove } = props;
  const [marked, setMarked] = useState<string>();
  const chosen = snapshots.filter((snapshot) => selected.has(snapshot.name));
  const points = snapshots.map((each) => ({ name: each.name, time: each.created_at, isMarked: each.held }));
  if (snapshots.length === 0) return <p className="table-empty">{words.empty}</p>;
  return (
    <>
      <Timeline points={points} chosen={marked} onChoose={setMarked} />
      <div className="toolbar">
        <span className="table-count">{texts.table.count(snapshots.length, snapshots.length)}</span>
        {chosen.length > 0 && (
          <div className="bulk" role="group" aria-label={texts.table.selected(chosen.length)}>
            <span>{texts.table.selected(chosen.length)}</span>
            <button type="button" className="p-button" onClick={() => onRemove(chosen)}>
              {words.remove.selected}
            </button>
          </div>
        )}
      </div>
      <DataTable
        caption={words.tab}
        columns={columns}
        rows={snapshots}
        rowKey={(snapshot) => snapshot.name}
        sortedBy="created"
        isDescending
        selection={{ keys: selected, onChange: onSelect }}
        markedKey={marked}
      />
    </>
  );
}
