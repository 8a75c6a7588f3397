// Shows what came out of an operation.
import { texts } from "../text";
import { Dialog } from "./dialog";
import { FactsText } from "./facts-text";

interface OutcomeDialogProps {
  title: string;
  facts: unknown;
  onClose: () => void;
}

export function OutcomeDialog({ title, facts, onClose }: OutcomeDialogProps) {
  return (
    <Dialog title={title} onClose={onClose}>
      <div className="dialog__body">
        <FactsText facts={facts} label={title} />
      </div>
      <footer className="dialog__footer">
        <button type="button" className="p-button" onClick={onClose}>
          {texts.close}
        </button>
      </footer>
    </Dialog>
  );
}
