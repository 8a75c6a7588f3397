// A command to copy.
import { texts } from "../text";
import { toast } from "./toasts";

/** Copy, and say so. */
export async function copyCommand(command: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(command);
    toast({ kind: "positive", title: texts.command.copied });
  } catch {
    toast({ kind: "caution", title: texts.command.notCopied });
  }
}

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

export function CopyButton({ command }: { command: string }) {
  return (
    <button
      type="button"
      className="p-button--base icon-button"
      title={`${texts.command.copy}: ${command}`}
      onClick={() => void copyCommand(command)}
    >
      <i className="p-icon--copy">{`${texts.command.copy}: ${command}`}</i>
    </button>
  );
}
