// A button that opens a list of actions, each with the command that does the same to copy.
import { useEffect, useId, useLayoutEffect, useRef, useState, type ReactNode } from "react";
import { texts } from "../text";
import { CopyButton } from "./command-line";

export interface MenuAction {
  label: string;
  command?: string;
  onSelect: () => void;
  isDangerous?: boolean;
  disabled?: boolean;
  /** Why it is disabled. */
  reason?: string;
}

interface ActionMenuProps {
  label: ReactNode;
  /** What screen readers say of the button, where its label is an icon. */
  ariaLabel?: string;
  actions: MenuAction[];
  className?: string;
}

const GAP_PX = 4;
/** A list doesn't come nearer to the window's edge. */
const EDGE_PX = 16;

export function ActionMenu({ label, ariaLabel, actions, className = "p-button" }: ActionMenuProps) {
  const [isOpen, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();

  useEffect(() => {
    if (!isOpen) return undefined;
    const closeOutside = (event: Event) => {
      if (event.target instanceof Node && !box.current?.contains(event.target)) setOpen(false);
    };
    document.addEventListener("pointerdown", closeOutside);
    document.addEventListener("focusin", closeOutside);
    return () => {
      document.removeEventListener("pointerdown", closeOutside);
      document.removeEventListener("focusin", closeOutside);
    };
  }, [isOpen]);

  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === "Escape" && isOpen) {
      event.stopPropagation();
      setOpen(false);
      button.current?.focus();
    } else if (isOpen && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      moveFocus(box.current, event.key === "ArrowDown" ? 1 : -1);
    }
  };

  return (
    // The keys are those of the buttons inside; the box itself takes no focus.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions
    <div className="menu" ref={box} onKeyDown={onKeyDown}>
      <button
        type="button"
        ref={button}
        className={className}
        aria-expanded={isOpen}
        aria-controls={id}
        {...(ariaLabel === undefined ? {} : { "aria-label": ariaLabel })}
        onClick={() => setOpen(!isOpen)}
      >
        {label}
      </button>
      {isOpen && <MenuList id={id} anchor={button.current} actions={actions} onClose={() => setOpen(false)} />}
    </div>
  );
}

interface MenuListProps {
  id: string;
  anchor: HTMLElement | null;
  actions: MenuAction[];
  onClose: () => void;
}

function MenuList({ id, anchor, actions, onClose }: MenuListProps) {
  const list = useRef<HTMLUListElement>(null);
  useLayoutEffect(() => {
    if (list.current === null || anchor === null) return undefined;
    place(list.current, anchor);
    list.current.querySelector<HTMLElement>(".menu__action:not(:disabled)")?.focus();
    const main = document.getElementById("main");
    // The page may still tell that it scrolled to the button; that comes before the next picture.
    const frame = requestAnimationFrame(() => main?.addEventListener("scroll", onClose, { once: true }));
    return () => {
      cancelAnimationFrame(frame);
      main?.removeEventListener("scroll", onClose);
    };
    // Placed once, when it opens.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  return (
    <ul className="menu__list" id={id} ref={list} aria-label={texts.actions}>
      {actions.map((action) => (
        <li key={action.label} className="menu__item">
          <button
            type="button"
            className={action.isDangerous ? "menu__action is-dangerous" : "menu__action"}
            disabled={action.disabled}
            onClick={() => {
              anchor?.focus();
              onClose();
              action.onSelect();
            }}
          >
            {action.label}
          </button>
          {action.disabled && action.reason !== undefined && <span className="menu__reason">{action.reason}</span>}
          {action.command !== undefined && <CopyButton command={action.command} />}
        </li>
      ))}
    </ul>
  );
}

/** Put the list below its button, or above where there is no room, inside the window. */
function place(list: HTMLElement, anchor: HTMLElement): void {
  const button = anchor.getBoundingClientRect();
  const { width, height } = list.getBoundingClientRect();
  const fitsBelow = button.bottom + height + GAP_PX <= window.innerHeight;
  list.style.top = `${fitsBelow ? button.bottom + GAP_PX : Math.max(GAP_PX, button.top - height - GAP_PX)}px`;
  // A button at the right side has its list end where it ends.
  const left = button.left + width > window.innerWidth - EDGE_PX ? button.right - width : button.left;
  list.style.left = `${Math.max(GAP_PX, left)}px`;
}

function moveFocus(box: HTMLElement | null, step: number): void {
  const actions = [...(box?.querySelectorAll<HTMLElement>(".menu__action:not(:disabled)") ?? [])];
  const current = actions.indexOf(document.activeElement as HTMLElement);
  actions[(current + step + actions.length) % actions.length]?.focus();
}
