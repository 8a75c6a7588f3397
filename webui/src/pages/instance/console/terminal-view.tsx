// Draws a terminal and joins it to a session on the server.
import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import { useEffect, useId, useRef, useState } from "react";
import { ErrorNote } from "../../../components/error-note";
import { isDark } from "../../../components/theme";
import { texts } from "../../../text";
import type { SessionKind } from "./console-tab";
import { documentWithSheets } from "./sheet-document";
import { openSession, type TerminalSession } from "./terminal-session";

const words = texts.instance.console;

const THEMES = {
  dark: { background: "#111111", foreground: "#f2f2f2", cursor: "#f2f2f2" },
  light: { background: "#ffffff", foreground: "#111111", cursor: "#111111", selectionBackground: "#b7d4f4" },
};

interface TerminalViewProps {
  instance: string;
  project: string;
  kind: SessionKind;
}

/** The terminal takes all keys, but the tab key right after Escape: that leads out, as everywhere else. */
function letTabLeave(terminal: Terminal): void {
  let isAfterEscape = false;
  terminal.attachCustomKeyEventHandler((event) => {
    if (event.type !== "keydown" || event.key === "Shift") return true;
    const isLeaving = isAfterEscape && event.key === "Tab";
    isAfterEscape = event.key === "Escape";
    return !isLeaving;
  });
}

export function TerminalView({ instance, project, kind }: TerminalViewProps) {
  const box = useRef<HTMLDivElement>(null);
  const helpId = useId();
  const [error, setError] = useState<unknown>();
  const [ending, setEnding] = useState<string>();

  useEffect(() => {
    if (box.current === null) return undefined;
    const terminal = new Terminal({
      documentOverride: documentWithSheets(),
      theme: isDark() ? THEMES.dark : THEMES.light,
      fontFamily: "ui-monospace, 'Noto Sans Mono', 'Liberation Mono', 'DejaVu Sans Mono', monospace",
      fontSize: 14,
      screenReaderMode: true,
      scrollback: 5000,
    });
    const fit = new FitAddon();
    terminal.loadAddon(fit);
    terminal.open(box.current);
    fit.fit();
    letTabLeave(terminal);
    terminal.textarea?.setAttribute("aria-describedby", helpId);
    terminal.focus();
    let session: TerminalSession | undefined;
    let isGone = false;
    openSession(instance, project, kind, { columns: terminal.cols, rows: terminal.rows })
      .then((opened) => {
        if (isGone) return opened.close();
        session = opened;
        opened.onData = (bytes) => terminal.write(bytes);
        opened.onEnd = (code) => setEnding(code === undefined ? words.ended : words.endedCode(code));
        return undefined;
      })
      .catch(setError);
    terminal.onData((text) => session?.send(new TextEncoder().encode(text)));
    terminal.onBinary((text) => session?.send(Uint8Array.from(text, (character) => character.charCodeAt(0))));
    terminal.onResize(({ cols, rows }) => session?.resize({ columns: cols, rows }));
    const observer = new ResizeObserver(() => fit.fit());
    observer.observe(box.current);
    return () => {
      isGone = true;
      observer.disconnect();
      session?.close();
      terminal.dispose();
    };
  }, [instance, project, kind, helpId]);

  return (
    <>
      {error !== undefined && <ErrorNote error={error} />}
      <div className="terminal" ref={box} role="application" aria-label={words.terminal} />
      <p className="p-form-help-text" id={helpId}>
        {words.leaveHelp}
      </p>
      <p role="status">{ending}</p>
    </>
  );
}
