// A command to copy.
import { useState, type ReactNode } from "react";
import { texts } from "../text";

/** How long the button says what became of it. */
const SAID_MS = 2500;

export function CommandLine({ command, label = texts.command.title }: { command: string; label?: string }) {
  return (
    <div className="command">
      <div className="command__label">{label}</div>
      <div className="command__row">
        {/* Long commands scroll; what scrolls must be reachable by keyboard. */}
        {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
        <code className="command__text" tabIndex={0}>
          {command}
        </code>
        <CopyButton command={command} />
      </div>
    </div>
  );
}

/** A button together with the command that does the same. */
export function WithCommand({ command, children }: { command: string; children: ReactNode }) {
  return (
    <span className="with-command">
      {children}
      <CopyButton command={command} />
    </span>
  );
}

/** Says beside itself what became of it: notes elsewhere can't be heard while a dialog is open. */
export function CopyButton({ command }: { command: string }) {
  const [said, setSaid] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(command);
      setSaid(texts.command.copied);
    } catch {
      setSaid(texts.command.notCopied);
    }
    window.setTimeout(() => setSaid(""), SAID_MS);
  };
  return (
    <span className="copy">
      <span role="status" className="copy__said">
        {said}
      </span>
      <button
        type="button"
        className="p-button--base icon-button"
        title={`${texts.command.copy}: ${command}`}
        onClick={() => void copy()}
      >
        <i className="p-icon--copy">{`${texts.command.copy}: ${command}`}</i>
      </button>
    </span>
  );
}
