// Says that the last restore can be undone, and does it.
import { useState } from "react";
import { forgetUndo, undoRestore, useUndo, type Undo } from "../../../api/resources/instances";
import { ActionDialog } from "../../../components/action-dialog";
import { Age, formatTime, parseTime } from "../../../components/age";
import { formatBytes } from "../../../components/bytes";
import { holdfast } from "../../../components/command";
import { ConfirmDialog } from "../../../components/confirm-dialog";
import { texts } from "../../../text";
import type { TabProps } from "../instance-page";

const words = texts.snapshots.undo;

export function UndoNote({ instance }: TabProps) {
  const undo = useUndo(instance.name, instance.project);
  const [shown, setShown] = useState<"undo" | "forget">();
  const close = () => setShown(undefined);
  return (
    <>
      {undo.data && <Note undo={undo.data} onUndo={() => setShown("undo")} onForget={() => setShown("forget")} />}
      {shown === "undo" && <UndoDialog instance={instance} onClose={close} />}
      {shown === "forget" && <ForgetDialog instance={instance} onClose={close} />}
    </>
  );
}

interface NoteProps {
  undo: Undo;
  onUndo: () => void;
  onForget: () => void;
}

function Note({ undo, onUndo, onForget }: NoteProps) {
  return (
    <div className="p-notification--information">
      <div className="p-notification__content">
        <div className="p-notification__title">
          {words.note(undo.snapshot)}, <Age time={undo.created_at} />
        </div>
        <p className="p-notification__message">
          {words.until(formatTime(parseTime(undo.expires_at) ?? 0))} {undo.size >= 0 && words.size(formatBytes(undo.size))}
        </p>
        <div className="button-group">
          <button type="button" className="p-button" onClick={onUndo}>
            {words.undo}
          </button>
          <button type="button" className="p-button--base" onClick={onForget}>
            {words.forget}
          </button>
        </div>
      </div>
    </div>
  );
}

interface UndoDialogProps extends TabProps {
  onClose: () => void;
}

function UndoDialog({ instance, onClose }: UndoDialogProps) {
  const { name, project } = instance;
  return (
    <ActionDialog
      action={{
        title: words.undoTitle(name),
        done: words.undone(name),
        run: () => undoRestore(name, project),
        touches: [`/1.0/instances/${name}`],
      }}
      command={holdfast(project, "restore", name, "--undo")}
      submit={words.submitUndo}
      onClose={onClose}
    >
      <p>{words.undoIntro}</p>
    </ActionDialog>
  );
}

function ForgetDialog({ instance, onClose }: UndoDialogProps) {
  const { name, project } = instance;
  return (
    <ConfirmDialog
      action={{
        title: words.forgetTitle,
        done: words.forgotten,
        run: () => forgetUndo(name, project),
        touches: [`/1.0/instances/${name}`],
      }}
      command={holdfast(project, "restore", name, "--forget")}
      submit={words.submitForget}
      onClose={onClose}
    >
      <p>{words.forgetIntro}</p>
    </ConfirmDialog>
  );
}
