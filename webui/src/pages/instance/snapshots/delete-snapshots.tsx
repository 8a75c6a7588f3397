// Deletes one snapshot or several.
import { finished } from "../../../api/operations";
import { deleteSnapshot, type Snapshot } from "../../../api/resources/snapshots";
import { Age } from "../../../components/age";
import { holdfast } from "../../../components/command";
import { ConfirmDialog } from "../../../components/confirm-dialog";
import { texts } from "../../../text";
import type { InstanceDialogProps } from "../../instances/instance-dialogs";

const words = texts.snapshots.remove;

interface DeleteSnapshotsProps extends InstanceDialogProps {
  snapshots: Snapshot[];
}

export function DeleteSnapshots({ instance, snapshots, onClose, onDone }: DeleteSnapshotsProps) {
  const { name, project } = instance;
  const free = snapshots.filter((snapshot) => !snapshot.held);
  const held = snapshots.filter((snapshot) => snapshot.held);
  const run = async () => {
    const [only] = free;
    if (free.length === 1 && only !== undefined) return deleteSnapshot(name, only.name, project);
    for (const snapshot of free) await finished(await deleteSnapshot(name, snapshot.name, project));
    return undefined;
  };
  return (
    <ConfirmDialog
      action={{ title: words.title(free.length, free[0]?.name ?? ""), done: words.done(free.length), run }}
      command={holdfast(project, "delete", ...free.map((snapshot) => `${name}/${snapshot.name}`))}
      submit={words.submit}
      isReady={free.length > 0}
      onClose={onClose}
      {...(onDone && { onDone: () => onDone() })}
      losses={free.map((snapshot) => (
        <span key={snapshot.name}>
          {snapshot.name}, <Age time={snapshot.created_at} />
          {snapshot.description !== "" && `: ${snapshot.description}`}
        </span>
      ))}
      notes={
        held.length > 0 && <p className="is-bad">{words.held(held.map((snapshot) => snapshot.name).join(", "))}</p>
      }
    >
      <p>{words.intro}</p>
    </ConfirmDialog>
  );
}
