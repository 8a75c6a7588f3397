// The frame of the tab Snapshots, of instances and of volumes: takes them, lists them, and opens what is asked for one.
import type { UseQueryResult } from "@tanstack/react-query";
import { useMemo, useState, type ReactNode } from "react";
import { Link, useNavigate } from "react-router-dom";
import { texts } from "../text";
import type { MenuAction } from "./action-menu";
import type { Column } from "./data-table";
import { Loaded } from "./loaded";
import { compareAddress, filesAddress, type Place } from "./places";
import type { ShownSnapshot } from "./snapshot-columns";
import { SnapshotList } from "./snapshot-list";

const words = texts.snapshots;

/** What leads to another page; all else opens a dialog. */
type Leading = "files" | "compare";

export interface SnapshotDialogs {
  onClose: () => void;
  /** After snapshots were deleted. */
  onRemoved: () => void;
}

interface SnapshotsFrameProps<Snapshot, Verb> {
  /** The same object as long as it is the same place. */
  place: Place;
  query: UseQueryResult<Snapshot[]>;
  /** False for what is a disk of something else's making, whose files the server can't see. */
  hasFiles?: boolean;
  menuOf: (snapshot: Snapshot, act: (verb: Verb | Leading) => void) => MenuAction[];
  columnsOf: (actionsOf: (snapshot: Snapshot) => MenuAction[]) => Column<Snapshot>[];
  takeDialog: (onClose: () => void) => ReactNode;
  dialogOf: (verb: Verb | "remove", snapshots: Snapshot[], dialogs: SnapshotDialogs) => ReactNode;
}

export function SnapshotsFrame<Snapshot extends ShownSnapshot, Verb extends string>(
  props: SnapshotsFrameProps<Snapshot, Verb>,
) {
  const { place, query, hasFiles = true, takeDialog } = props;
  const [isTaking, setTaking] = useState(false);
  return (
    <>
      <div className="toolbar">
        <button type="button" className="p-button--positive" onClick={() => setTaking(true)}>
          {words.take}
        </button>
        {hasFiles && (
          <Link className="p-button" to={filesAddress(place, undefined)}>
            {words.files.open}
          </Link>
        )}
      </div>
      <Loaded query={query}>{(all) => <Snapshots {...props} snapshots={all} />}</Loaded>
      {isTaking && takeDialog(() => setTaking(false))}
    </>
  );
}

function Snapshots<Snapshot extends ShownSnapshot, Verb extends string>(
  props: SnapshotsFrameProps<Snapshot, Verb> & { snapshots: Snapshot[] },
) {
  const { place, snapshots, menuOf, columnsOf, dialogOf } = props;
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [shown, setShown] = useState<{ verb: Verb | "remove"; snapshots: Snapshot[] }>();
  const navigate = useNavigate();
  const columns = useMemo(() => {
    const act = (verb: Verb | Leading, snapshot: Snapshot) => {
      if (verb === "files") navigate(filesAddress(place, snapshot.name));
      else if (verb === "compare") navigate(compareAddress(place, snapshot.name));
      else setShown({ verb: verb as Verb, snapshots: [snapshot] });
    };
    return columnsOf((snapshot) => menuOf(snapshot, (verb) => act(verb, snapshot)));
  }, [place, menuOf, columnsOf, navigate]);
  return (
    <>
      <SnapshotList
        snapshots={snapshots}
        columns={columns}
        selected={selected}
        onSelect={setSelected}
        onRemove={(chosen) => setShown({ verb: "remove", snapshots: chosen })}
      />
      {shown !== undefined &&
        dialogOf(shown.verb, shown.snapshots, {
          onClose: () => setShown(undefined),
          onRemoved: () => setSelected(new Set()),
        })}
    </>
  );
}
