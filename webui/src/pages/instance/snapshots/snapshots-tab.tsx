// The snapshots of an instance: on a line of time and as a table, and all that can be done with them.
import { useMemo, useState } from "react";
import { useNavigate } from "react-router-dom";
import { useSnapshotPlan, useSnapshots, type Snapshot } from "../../../api/resources/snapshots";
import { Loaded } from "../../../components/loaded";
import { instanceAddress } from "../../../components/project";
import { SnapshotList } from "../../../components/snapshot-list";
import { texts } from "../../../text";
import { CreateFromSnapshot } from "../../instances/create-from-snapshot";
import { ExportDialog } from "../exports/export-dialog";
import type { TabProps } from "../instance-page";
import { ChangeSnapshot } from "./change-snapshot";
import { CreateSnapshot } from "./create-snapshot";
import { DeleteSnapshots } from "./delete-snapshots";
import { PublishSnapshot } from "./publish-snapshot";
import { RestoreDialog } from "./restore-dialog";
import { snapshotColumns } from "./snapshot-columns";
import { menuOfSnapshot, type SnapshotVerb } from "./snapshot-menu";
import { UndoNote } from "./undo-note";

const words = texts.snapshots;

interface Shown {
  verb: SnapshotVerb;
  snapshots: Snapshot[];
}

export default function SnapshotsTab({ instance }: TabProps) {
  const { name, project } = instance;
  const snapshots = useSnapshots(name, project);
  const [isCreating, setCreating] = useState(false);
  return (
    <>
      <UndoNote instance={instance} />
      <div className="toolbar">
        <button type="button" className="p-button--positive" onClick={() => setCreating(true)}>
          {words.take}
        </button>
      </div>
      <Loaded query={snapshots}>{(all) => <Snapshots instance={instance} snapshots={all} />}</Loaded>
      {isCreating && <CreateSnapshot instance={instance} onClose={() => setCreating(false)} />}
    </>
  );
}

function Snapshots({ instance, snapshots }: TabProps & { snapshots: Snapshot[] }) {
  const plan = useSnapshotPlan(instance.name, instance.project);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [shown, setShown] = useState<Shown>();
  const navigate = useNavigate();
  const { name, project } = instance;

  const columns = useMemo(() => {
    const act = (verb: SnapshotVerb, snapshot: Snapshot) => {
      if (verb === "files") {
        navigate(instanceAddress(name, project, `snapshots/files/${encodeURIComponent(snapshot.name)}`));
      } else if (verb === "compare") {
        navigate(compareAddress(name, project, snapshot.name));
      } else {
        setShown({ verb, snapshots: [snapshot] });
      }
    };
    return snapshotColumns(name, project, plan.data ?? [], (snapshot) => menuOfSnapshot(name, project, snapshot, act));
  }, [plan.data, name, project, navigate]);
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
          instance={instance}
          shown={shown}
          onClose={() => setShown(undefined)}
          onRemoved={() => setSelected(new Set())}
        />
      )}
    </>
  );
}

export function compareAddress(instance: string, project: string, from: string): string {
  const address = instanceAddress(instance, project, "snapshots/compare");
  return `${address}${address.includes("?") ? "&" : "?"}from=${encodeURIComponent(from)}`;
}

interface SnapshotDialogProps extends TabProps {
  shown: Shown;
  onClose: () => void;
  onRemoved: () => void;
}

function SnapshotDialog({ instance, shown, onClose, onRemoved }: SnapshotDialogProps) {
  const { name, project } = instance;
  const [snapshot] = shown.snapshots;
  if (snapshot === undefined) return null;
  switch (shown.verb) {
    case "restore":
      return <RestoreDialog instance={instance} snapshot={snapshot} onClose={onClose} />;
    case "edit":
      return <ChangeSnapshot instance={instance} snapshot={snapshot} onClose={onClose} />;
    case "instance":
      return <CreateFromSnapshot project={project} instance={name} snapshot={snapshot.name} onClose={onClose} />;
    case "image":
      return <PublishSnapshot instance={instance} snapshot={snapshot} onClose={onClose} />;
    case "export":
      return <ExportDialog instance={instance} snapshot={snapshot.name} onClose={onClose} />;
    case "remove":
      return (
        <DeleteSnapshots instance={instance} snapshots={shown.snapshots} onClose={onClose} onDone={onRemoved} />
      );
    default:
      return null;
  }
}
