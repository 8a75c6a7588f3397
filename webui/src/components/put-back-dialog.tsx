// Puts one file of a snapshot back into the instance or volume.
import { putBack, type SnapshotPlace } from "../api/resources/files";
import { texts } from "../text";
import { fileCommand } from "./command";
import { ConfirmDialog } from "./confirm-dialog";

const words = texts.snapshots.files;

interface PutBackDialogProps {
  place: SnapshotPlace;
  path: string;
  onClose: () => void;
}

export function PutBackDialog({ place, path, onClose }: PutBackDialogProps) {
  const owner = place.name;
  const name = path.split("/").at(-1) ?? "";
  return (
    <ConfirmDialog
      action={{ title: words.putBackTitle(name), done: words.putBackDone(path), run: () => putBack(place, path) }}
      command={[
        fileCommand(place, "pull", [`${owner}/${place.snapshot}${path}`, "."]),
        fileCommand(place, "push", [name, `${owner}${path}`]),
      ]}
      submit={words.putBackSubmit}
      onClose={onClose}
    >
      <p>{words.putBackIntro(path, owner)}</p>
    </ConfirmDialog>
  );
}
