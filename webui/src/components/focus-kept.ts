// A form is disabled while it is sent, and so loses the focus. When it can be used again, one goes on where one was.
import { useEffect, useRef } from "react";

/** Returns what to call before it is disabled. */
export function useFocusKept(isBusy: boolean): () => void {
  const focused = useRef<Element | null>(null);
  useEffect(() => {
    if (!isBusy && focused.current instanceof HTMLElement) focused.current.focus();
  }, [isBusy]);
  return () => {
    focused.current = document.activeElement;
  };
}
