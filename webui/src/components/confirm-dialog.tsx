// Asks before something is lost: names what goes, and for the large things wants the name typed.
import { useState, type ReactNode } from "react";
import { texts } from "../text";
import { ActionDialog } from "./action-dialog";
import { TextField } from "./fields";
import type { Action } from "./run-action";

interface ConfirmDialogProps {
  action: Action;
  command: string | string[];
  submit: string;
  onClose: () => void;
  onDone?: () => void;
  /** What goes with it, one line each. */
  losses?: ReactNode[];
  /** Said after what goes: what hinders, what stays. */
  notes?: ReactNode;
  /** A word to type first. */
  typed?: string | undefined;
  isReady?: boolean;
  children?: ReactNode;
}

export function ConfirmDialog({ losses = [], notes, typed, children, isReady = true, onDone, ...rest }: ConfirmDialogProps) {
  const [word, setWord] = useState("");
  return (
    <ActionDialog
      {...rest}
      {...(onDone === undefined ? {} : { onDone: () => onDone() })}
      isDangerous
      isReady={isReady && (typed === undefined || word === typed)}
    >
      {children}
      {losses.length > 0 && (
        <ul className="losses">
          {losses.map((loss, index) => (
            <li key={index}>{loss}</li>
          ))}
        </ul>
      )}
      {notes}
      {typed !== undefined && (
        <TextField label={texts.confirm.type(typed)} value={word} onChange={setWord} autoComplete="off" />
      )}
    </ActionDialog>
  );
}
