// The end of a form that stands in a page: the command that does the same, save and take back, what went wrong.
import { useState, type FormEvent, type ReactNode } from "react";
import { texts } from "../text";
import { CommandLine } from "./command-line";
import { ErrorNote } from "./error-note";
import { useFocusKept } from "./focus-kept";
import { runToEnd, type Action } from "./run-action";

const words = texts.editors;

interface SavedFormProps {
  action: Action;
  command: string | string[];
  isChanged: boolean;
  isReady?: boolean;
  onReset: () => void;
  onSaved?: () => void;
  children: ReactNode;
}

/** A form in a page; errors stand where they are seen, beside the buttons. */
export function SavedForm({ action, command, isChanged, isReady = true, onReset, onSaved, children }: SavedFormProps) {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const keepFocus = useFocusKept(isBusy);
  const save = async () => {
    keepFocus();
    setBusy(true);
    setError(undefined);
    try {
      await runToEnd(action);
      onSaved?.();
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (!isBusy && isChanged && isReady) void save();
  };
  return (
    <form onSubmit={onSubmit} className="saved-form">
      <fieldset disabled={isBusy} className="plain-fieldset">
        {children}
      </fieldset>
      {error !== undefined && <ErrorNote error={error} />}
      <div className="save-bar">
        <button type="submit" className="p-button--positive" disabled={isBusy || !isChanged || !isReady}>
          {words.save}
        </button>
        <button type="button" className="p-button" disabled={isBusy || !isChanged} onClick={onReset}>
          {words.reset}
        </button>
      </div>
      {[command].flat().map((each) => (
        <CommandLine key={each} command={each} />
      ))}
    </form>
  );
}
