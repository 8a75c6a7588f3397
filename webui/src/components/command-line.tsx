// A command to copy.
import { Fragment, useState, type ReactNode } from "react";
import { texts } from "../text";

/** How long the button says what became of it. */
const SAID_MS = 2500;

interface CommandLineProps {
  /** Several when it takes several. */
  command: string | string[];
  label?: string;
}

export function CommandLine({ command, label = texts.command.title }: CommandLineProps) {
  const commands = [command].flat();
  if (commands.length === 0) return null;
  return (
    <div className="command">
      <div className="command__label">{label}</div>
      {commands.map((each) => (
        <div className="command__row" key={each}>
          <code className="command__text">
            {each.split(" ").map((word, index) => (
              // An option isn't parted from its hyphens where the line ends.
              <Fragment key={index}>
                {index > 0 && " "}
                <span className="command__word">{word}</span>
              </Fragment>
            ))}
          </code>
          <CopyButton command={each} />
        </div>
      ))}
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
