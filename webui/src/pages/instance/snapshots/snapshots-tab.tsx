// The snapshots of an instance: on a line of time and as a table, and all that can be done with them.
import { useCallback, useMemo } from "react";
import { useSnapshotPlan, useSnapshots, type Snapshot } from "../../../api/resources/snapshots";
import type { MenuAction } from "../../../components/action-menu";
import { SnapshotsFrame, type SnapshotDialogs } from "../../../components/snapshots-frame";
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

export default function SnapshotsTab({ instance }: TabProps) {
  const { name, project } = instance;
  const snapshots = useSnapshots(name, project);
  const { data: plan } = useSnapshotPlan(name, project);
  const place = useMemo(() => ({ name, project }), [name, project]);
  const menuOf = useCallback(
    (snapshot: Snapshot, act: (verb: SnapshotVerb) => void) => menuOfSnapshot(name, project, snapshot, act),
    [name, project],
  );
  const columnsOf = useCallback(
    (actionsOf: (snapshot: Snapshot) => MenuAction[]) => snapshotColumns(name, project, plan ?? [], actionsOf),
    [name, project, plan],
  );
  return (
    <>
      <UndoNote instance={instance} />
      <SnapshotsFrame
        place={place}
        query={snapshots}
        menuOf={menuOf}
        columnsOf={columnsOf}
        takeDialog={(onClose) => <CreateSnapshot instance={instance} onClose={onClose} />}
        dialogOf={(verb, chosen, dialogs) => (
          <SnapshotDialog instance={instance} verb={verb} snapshots={chosen} {...dialogs} />
        )}
      />
    </>
  );
}

interface SnapshotDialogProps extends TabProps, SnapshotDialogs {
  verb: SnapshotVerb;
  snapshots: Snapshot[];
}

function SnapshotDialog({ instance, verb, snapshots, onClose, onRemoved }: SnapshotDialogProps) {
  const { name, project } = instance;
  const [snapshot] = snapshots;
  if (snapshot === undefined) return null;
  switch (verb) {
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
      return <DeleteSnapshots instance={instance} snapshots={snapshots} onClose={onClose} onDone={onRemoved} />;
    default:
      return null;
  }
}
