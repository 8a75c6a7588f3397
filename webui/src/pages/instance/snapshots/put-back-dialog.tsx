// Puts one file of a snapshot back into the instance.
import { putBack, type FilePlace } from "../../../api/resources/files";
import { ConfirmDialog } from "../../../components/confirm-dialog";
import { holdfast } from "../../../components/command";
import { texts } from "../../../text";

const words = texts.snapshots.files;

interface PutBackDialogProps {
  place: Required<FilePlace>;
  path: string;
  onClose: () => void;
}

export function PutBackDialog({ place, path, onClose }: PutBackDialogProps) {
  const { instance, project, snapshot } = place;
  const name = path.split("/").at(-1) ?? "";
  return (
    <ConfirmDialog
      action={{ title: words.putBackTitle(name), done: words.putBackDone(path), run: () => putBack(place, path) }}
      command={[
        holdfast(project, "file", "pull", `${instance}/${snapshot}${path}`, "."),
        holdfast(project, "file", "push", name, `${instance}${path}`),
      ]}
      submit={words.putBackSubmit}
      onClose={onClose}
    >
      <p>{words.putBackIntro(path, instance)}</p>
    </ConfirmDialog>
  );
}
