// A terminal on an instance: a shell, or its console.
import { useState } from "react";
import { holdfast } from "../../../components/command";
import { CommandLine } from "../../../components/command-line";
import { texts } from "../../../text";
import { powerDirectly } from "../../instances/use-instance-actions";
import type { TabProps } from "../instance-page";
import { TerminalView } from "./terminal-view";

const words = texts.instance.console;

export type SessionKind = "shell" | "console";

export default function ConsoleTab({ instance }: TabProps) {
  const [kind, setKind] = useState<SessionKind>("shell");
  const [session, setSession] = useState(0);
  const { name, project, status } = instance;
  const command =
    kind === "shell" ? holdfast(project, "exec", name, "--", "sh") : holdfast(project, "console", name);
  const way = status === "Frozen" ? "unfreeze" : "start";
  if (status !== "Running") {
    return (
      <>
        <p className="table-empty">{words.notRunning}</p>
        <button type="button" className="p-button--positive" onClick={() => powerDirectly(instance, way)}>
          {texts.instances.power[way]}
        </button>
        <CommandLine command={holdfast(project, "start", name)} />
      </>
    );
  }
  const choose = (chosen: SessionKind) => {
    setKind(chosen);
    setSession(0);
  };
  return (
    <>
      <div className="toolbar" role="group" aria-label={words.kind}>
        {(["shell", "console"] as const).map((each) => (
          <button key={each} type="button" className="p-button" aria-pressed={kind === each} onClick={() => choose(each)}>
            {words[each]}
          </button>
        ))}
        <button type="button" className="p-button--positive" onClick={() => setSession(session + 1)}>
          {words.connect}
        </button>
      </div>
      <p className="p-form-help-text">{kind === "shell" ? words.shellHelp : words.consoleHelp}</p>
      {session > 0 && <TerminalView key={`${kind}${session}`} instance={name} project={project} kind={kind} />}
      <CommandLine command={command} />
    </>
  );
}
