// The snapshots of a volume: on a line of time and as a table, and all that can be done with them.
import { useCallback, useMemo } from "react";
import {
  changeVolumeSnapshot,
  useVolumeSnapshots,
  volumePath,
  type VolumePlace,
  type VolumeSnapshot,
} from "../../api/resources/volumes";
import type { MenuAction } from "../../components/action-menu";
import { holdfast } from "../../components/command";
import type { Column } from "../../components/data-table";
import { MeasuredSize } from "../../components/measured-size";
import { runDirectly } from "../../components/run-action";
import { commonColumns } from "../../components/snapshot-columns";
import { SnapshotsFrame, type SnapshotDialogs } from "../../components/snapshots-frame";
import { texts } from "../../text";
import { CopyVolume } from "../volumes/copy-volume";
import { ExportVolume } from "./export-volume";
import { ChangeVolumeSnapshot, DeleteVolumeSnapshots, RestoreVolume, TakeVolumeSnapshot } from "./snapshot-dialogs";
import type { VolumeTabProps } from "./volume-page";

const words = texts.snapshots;

type Verb = "restore" | "files" | "compare" | "edit" | "copy" | "export" | "remove";

export default function SnapshotsTab({ volume }: VolumeTabProps) {
  const { pool, name, project, content_type: content } = volume;
  const snapshots = useVolumeSnapshots(volume);
  const place = useMemo(() => ({ pool, name, project }), [pool, name, project]);
  const menu = useCallback(
    (snapshot: VolumeSnapshot, act: (verb: Verb) => void) => menuOf(place, snapshot, content === "block", act),
    [place, content],
  );
  const columns = useCallback(
    (actionsOf: (snapshot: VolumeSnapshot) => MenuAction[]) => columnsOf(place, actionsOf),
    [place],
  );
  return (
    <SnapshotsFrame
      place={place}
      query={snapshots}
      hasFiles={content !== "block"}
      menuOf={menu}
      columnsOf={columns}
      takeDialog={(onClose) => <TakeVolumeSnapshot volume={volume} onClose={onClose} />}
      dialogOf={(verb, chosen, dialogs) => (
        <SnapshotDialog volume={volume} verb={verb} snapshots={chosen} {...dialogs} />
      )}
    />
  );
}

interface SnapshotDialogProps extends VolumeTabProps, SnapshotDialogs {
  verb: Verb;
  snapshots: VolumeSnapshot[];
}

function SnapshotDialog({ volume, verb, snapshots, onClose, onRemoved }: SnapshotDialogProps) {
  const [snapshot] = snapshots;
  if (snapshot === undefined) return null;
  const props = { volume, snapshot, onClose };
  if (verb === "restore") return <RestoreVolume {...props} />;
  if (verb === "edit") return <ChangeVolumeSnapshot {...props} />;
  if (verb === "export") return <ExportVolume volume={volume} snapshot={snapshot.name} onClose={onClose} />;
  if (verb === "copy") {
    return <CopyVolume project={volume.project} choices={[volume]} snapshot={snapshot.name} onClose={onClose} />;
  }
  return <DeleteVolumeSnapshots volume={volume} snapshots={snapshots} onClose={onClose} onDone={onRemoved} />;
}

function setHeld(place: VolumePlace, snapshot: string, isHeld: boolean): void {
  void runDirectly({
    title: isHeld ? words.hold.hold(snapshot) : words.hold.release(snapshot),
    done: isHeld ? words.hold.held(snapshot) : words.hold.released(snapshot),
    run: () => changeVolumeSnapshot(place, snapshot, { held: isHeld }),
    touches: [volumePath(place)],
  });
}

/** The first is what one comes for in a hurry: it has a button of its own. */
function menuOf(
  place: VolumePlace,
  snapshot: VolumeSnapshot,
  isDisk: boolean,
  act: (verb: Verb) => void,
): MenuAction[] {
  const { pool, name, project } = place;
  const inside = `${name}/${snapshot.name}`;
  const command = (...rest: string[]) => holdfast(project, "storage", "volume", ...rest);
  const hold = snapshot.held ? "release" : "hold";
  return [
    { label: words.menu.restore, onSelect: () => act("restore") },
    {
      label: words.menu.files,
      command: command("file", "list", pool, `${inside}/`),
      disabled: isDisk,
      onSelect: () => act("files"),
    },
    {
      label: words.menu.compare,
      command: command("diff", pool, inside),
      disabled: isDisk,
      onSelect: () => act("compare"),
    },
    { label: words.menu.edit, command: command("edit", pool, inside), onSelect: () => act("edit") },
    {
      label: words.menu[hold],
      command: command(hold, pool, inside),
      onSelect: () => setHeld(place, snapshot.name, !snapshot.held),
    },
    {
      label: texts.volumes.createCopy.copy,
      command: command("copy", `${pool}/${inside}`, `${pool}/NAME`),
      onSelect: () => act("copy"),
    },
    {
      label: words.menu.export,
      command: command("export", pool, name, "--snapshot", snapshot.name),
      onSelect: () => act("export"),
    },
    {
      label: words.menu.remove,
      command: command("delete", pool, inside),
      isDangerous: true,
      disabled: snapshot.held,
      reason: words.hold.first,
      onSelect: () => act("remove"),
    },
  ];
}

function columnsOf(
  place: VolumePlace,
  actionsOf: (snapshot: VolumeSnapshot) => MenuAction[],
): Column<VolumeSnapshot>[] {
  const { name, created, expires, actions } = commonColumns(actionsOf);
  const size: Column<VolumeSnapshot> = {
    key: "size",
    title: words.columns.size,
    className: "number-cell",
    cell: (snapshot) => (
      <MeasuredSize
        path={volumePath(place)}
        project={place.project}
        snapshot={snapshot.name}
        name={snapshot.name}
      />
    ),
  };
  return [name, created, expires, size, actions];
}
