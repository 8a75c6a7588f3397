// A modal dialog: the browser's own keeps the focus inside, closes with Escape, and gives the focus back.
import { useEffect, useId, useRef, type ReactNode } from "react";
import { texts } from "../text";

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
  isWide?: boolean;
}

export function Dialog({ title, onClose, children, isWide = false }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const opener = document.activeElement;
    const shown = dialog.current;
    if (shown !== null && !shown.open) shown.showModal();
    focusFirstField(shown);
    return () => {
      shown?.close();
      const goesOnAt = opener instanceof HTMLElement && opener.isConnected ? opener : document.getElementById("main");
      goesOnAt?.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      className={isWide ? "dialog dialog--wide" : "dialog"}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <header className="dialog__header">
        <h2 className="p-heading--4" id={titleId}>
          {title}
        </h2>
        <button type="button" className="p-button--base icon-button" onClick={onClose}>
          <i className="p-icon--close">{texts.close}</i>
        </button>
      </header>
      {children}
    </dialog>
  );
}

function focusFirstField(dialog: HTMLDialogElement | null): void {
  const field = dialog?.querySelector<HTMLElement>(
    ".dialog__body input:not([type=hidden]), .dialog__body select, .dialog__body textarea, .dialog__footer button",
  );
  field?.focus();
}
