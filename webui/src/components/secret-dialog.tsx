// Shows something to copy that is shown this once, such as a token or a link.
import { Dialog } from "./dialog";
import { CommandLine } from "./command-line";
import { texts } from "../text";

interface SecretDialogProps {
  title: string;
  intro: string;
  secrets: { label: string; text: string }[];
  onClose: () => void;
}

export function SecretDialog({ title, intro, secrets, onClose }: SecretDialogProps) {
  return (
    <Dialog title={title} onClose={onClose}>
      <div className="dialog__body">
        <p>{intro}</p>
        {secrets.map(({ label, text }) => (
          <CommandLine key={label} label={label} command={text} />
        ))}
      </div>
      <footer className="dialog__footer">
        <button type="button" className="p-button" onClick={onClose}>
          {texts.close}
        </button>
      </footer>
    </Dialog>
  );
}
