// The snapshots of a volume: on a line of time and as a table, and all that can be done with them.
import { useMemo, useState } from "react";
import { useNavigate } from "react-router-dom";
import {
  changeVolumeSnapshot,
  useVolumeSnapshots,
  volumePath,
  type VolumePlace,
  type VolumeSnapshot,
} from "../../api/resources/volumes";
import { ActionMenu, type MenuAction } from "../../components/action-menu";
import { Age, parseTime } from "../../components/age";
import { holdfast } from "../../components/command";
import type { Column } from "../../components/data-table";
import { Loaded } from "../../components/loaded";
import { volumeAddress } from "../../components/project";
import { runDirectly } from "../../components/run-action";
import { SnapshotList } from "../../components/snapshot-list";
import { texts } from "../../text";
import { CopyVolume } from "../volumes/copy-volume";
import { ExportVolume } from "./export-volume";
import { ChangeVolumeSnapshot, DeleteVolumeSnapshots, RestoreVolume, TakeVolumeSnapshot } from "./snapshot-dialogs";
import type { VolumeTabProps } from "./volume-page";

const words = texts.snapshots;

type Verb = "restore" | "files" | "compare" | "edit" | "copy" | "export" | "remove";

interface Shown {
  verb: Verb;
  snapshots: VolumeSnapshot[];
}

export default function SnapshotsTab({ volume }: VolumeTabProps) {
  const snapshots = useVolumeSnapshots(volume);
  const [isTaking, setTaking] = useState(false);
  return (
    <>
      <div className="toolbar">
        <button type="button" className="p-button--positive" onClick={() => setTaking(true)}>
          {words.take}
        </button>
      </div>
      <Loaded query={snapshots}>{(all) => <Snapshots volume={volume} snapshots={all} />}</Loaded>
      {isTaking && <TakeVolumeSnapshot volume={volume} onClose={() => setTaking(false)} />}
    </>
  );
}

function Snapshots({ volume, snapshots }: VolumeTabProps & { snapshots: VolumeSnapshot[] }) {
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [shown, setShown] = useState<Shown>();
  const { pool, name, project, content_type: content } = volume;
  const navigate = useNavigate();
  const columns = useMemo(() => {
    const act = (verb: Verb, snapshot: VolumeSnapshot) => {
      if (verb === "compare") navigate(compareAddress({ pool, name, project }, snapshot.name));
      else if (verb === "files")
        navigate(volumeAddress(pool, name, project, `snapshots/files/${encodeURIComponent(snapshot.name)}`));
      else setShown({ verb, snapshots: [snapshot] });
    };
    const place = { pool, name, project };
    return snapshotColumns((snapshot) => menuOf(place, snapshot, content === "block", (verb) => act(verb, snapshot)));
  }, [pool, name, project, content, navigate]);
  return (
    <>
      <SnapshotList
        snapshots={snapshots}
        columns={columns}
        selected={selected}
        onSelect={setSelected}
        onRemove={(chosen) => setShown({ verb: "remove", snapshots: chosen })}
      />
      {shown !== undefined && (
        <SnapshotDialog
          volume={volume}
          shown={shown}
          onClose={() => setShown(undefined)}
          onRemoved={() => setSelected(new Set())}
        />
      )}
    </>
  );
}

function compareAddress({ pool, name, project }: VolumePlace, from: string): string {
  const address = volumeAddress(pool, name, project, "snapshots/compare");
  return `${address}${address.includes("?") ? "&" : "?"}from=${encodeURIComponent(from)}`;
}

interface SnapshotDialogProps extends VolumeTabProps {
  shown: Shown;
  onClose: () => void;
  onRemoved: () => void;
}

function SnapshotDialog({ volume, shown: { verb, snapshots }, onClose, onRemoved }: SnapshotDialogProps) {
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
      onSelect: () => act("remove"),
    },
  ];
}

function snapshotColumns(actionsOf: (snapshot: VolumeSnapshot) => MenuAction[]): Column<VolumeSnapshot>[] {
  return [
    {
      key: "name",
      title: words.columns.name,
      isHeader: true,
      cell: (snapshot) => (
        <span className="name-cell">
          <span>
            {snapshot.name} {snapshot.held && <span className="status status--information">{words.held}</span>}
          </span>
          {snapshot.description !== "" && <span className="name-cell__more">{snapshot.description}</span>}
        </span>
      ),
      sort: (snapshot) => snapshot.name,
    },
    {
      key: "created",
      title: words.columns.created,
      className: "word-cell",
      cell: (snapshot) => <Age time={snapshot.created_at} />,
      sort: (snapshot) => parseTime(snapshot.created_at) ?? 0,
    },
    {
      key: "expires",
      title: words.columns.expires,
      className: "word-cell",
      cell: (snapshot) => <Age time={snapshot.expires_at} absent={words.noExpiry} />,
      sort: (snapshot) => parseTime(snapshot.expires_at) ?? Number.MAX_SAFE_INTEGER,
    },
    {
      key: "actions",
      title: words.columns.actions,
      isTitleHidden: true,
      className: "button-cell",
      cell: (snapshot) => <Actions name={snapshot.name} actions={actionsOf(snapshot)} />,
    },
  ];
}

function Actions({ name, actions: [restore, ...others] }: { name: string; actions: MenuAction[] }) {
  return (
    <>
      <button
        type="button"
        className="p-button is-small"
        aria-label={`${words.restoreShort} ${name}`}
        onClick={restore?.onSelect}
      >
        {words.restoreShort}
      </button>{" "}
      <ActionMenu label="⋯" ariaLabel={words.actionsOf(name)} className="p-button--base icon-button" actions={others} />
    </>
  );
}
