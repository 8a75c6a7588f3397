// The dialog of every action: what is asked, the command that does the same, progress, and errors in the server's words.
import { useEffect, useRef, useState, type FormEvent, type ReactNode } from "react";
import type { Operation } from "../api/client";
import { texts } from "../text";
import { CommandLine } from "./command-line";
import { Dialog } from "./dialog";
import { ErrorNote } from "./error-note";
import { useFocusKept } from "./focus-kept";
import { OperationProgress } from "./operation-progress";
import { runToEnd, tellFailure, type Action } from "./run-action";
import { toast } from "./toasts";

interface ActionDialogProps {
  action: Action;
  /** The same as `holdfast …`; several when it takes several. */
  command: string | string[];
  submit: string;
  onClose: () => void;
  /** After the dialog has closed because all went well; gets the operation as it ended. */
  onDone?: (operation: Operation | undefined) => void;
  isDangerous?: boolean;
  isWide?: boolean;
  /** False while the form can't be sent yet. */
  isReady?: boolean;
  /** Shown while it runs, below the form: progress of what the page itself does. */
  progress?: ReactNode;
  children?: ReactNode;
}

export function ActionDialog(props: ActionDialogProps) {
  const { action, command, submit, onClose, onDone, isDangerous = false, isReady = true, children } = props;
  const [isBusy, setBusy] = useState(false);
  const [operation, setOperation] = useState<Operation>();
  const [error, setError] = useState<unknown>();
  const isOpen = useRef(true);
  const keepFocus = useFocusKept(isBusy);
  useEffect(() => {
    isOpen.current = true;
    return () => {
      isOpen.current = false;
    };
  }, []);

  const run = async () => {
    keepFocus();
    setBusy(true);
    setError(undefined);
    try {
      const end = await runToEnd(action, setOperation);
      if (!isOpen.current) return;
      onClose();
      onDone?.(end);
    } catch (problem) {
      if (!isOpen.current) {
        tellFailure(action.title, problem);
        return;
      }
      setError(problem);
      setBusy(false);
      setOperation(undefined);
    }
  };
  const leave = () => {
    if (isBusy) toast({ kind: "information", title: texts.operation.leftRunning(action.title) });
    onClose();
  };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (!isBusy && isReady) void run();
  };

  return (
    <Dialog title={action.title} onClose={leave} isWide={props.isWide ?? false}>
      <form onSubmit={onSubmit} className="dialog__form">
        <div className="dialog__body">
          <fieldset disabled={isBusy} className="plain-fieldset">
            {children}
          </fieldset>
          {error !== undefined && <ErrorNote error={error} />}
          {isBusy && props.progress}
          {operation !== undefined && <OperationProgress id={operation.id} />}
          <CommandLine command={command} />
        </div>
        <footer className="dialog__footer">
          <button type="button" className="p-button" onClick={leave}>
            {isBusy ? texts.operation.leave : texts.cancel}
          </button>
          <button
            type="submit"
            className={isDangerous ? "p-button--negative" : "p-button--positive"}
            disabled={isBusy || !isReady}
          >
            {isBusy ? `${texts.operation.running}…` : submit}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
