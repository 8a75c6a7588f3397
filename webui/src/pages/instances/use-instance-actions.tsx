// What can be done with one instance, for menus, together with the dialogs that some of it opens.
import { useState, type ReactNode } from "react";
import { setPower, type Instance, type PowerAction } from "../../api/resources/instances";
import type { MenuAction } from "../../components/action-menu";
import { holdfast } from "../../components/command";
import { runDirectly } from "../../components/run-action";
import { texts } from "../../text";
import { DeleteDialog, PowerDialog, RenameDialog } from "./instance-dialogs";

const words = texts.instances;

type Shown = { kind: "stop" | "restart" | "rename" | "delete"; instance: Instance } | undefined;

/** The commands of the command line for what has other names there. */
const COMMANDS: Record<PowerAction, string> = {
  start: "start",
  stop: "stop",
  restart: "restart",
  freeze: "pause",
  unfreeze: "start",
};

export function powerDirectly(instance: Instance, action: "start" | "freeze" | "unfreeze"): void {
  const { name, project } = instance;
  void runDirectly({
    title: words.powerTitle[action](name),
    done: words.powerDone[action](name),
    run: () => setPower(name, project, action),
  });
}

interface InstanceActions {
  actionsOf: (instance: Instance) => MenuAction[];
  /** To be placed once in the page. */
  dialog: ReactNode;
}

export function useInstanceActions(onDone?: (name?: string) => void): InstanceActions {
  const [shown, setShown] = useState<Shown>();
  const close = () => setShown(undefined);
  const actionsOf = (instance: Instance) => menuOf(instance, setShown);
  return { actionsOf, dialog: shown === undefined ? null : dialogOf(shown, close, onDone) };
}

function menuOf(instance: Instance, show: (shown: Shown) => void): MenuAction[] {
  const { name, project, status } = instance;
  const direct = (action: "start" | "freeze" | "unfreeze"): MenuAction => ({
    label: words.power[action],
    command: holdfast(project, COMMANDS[action], name),
    onSelect: () => powerDirectly(instance, action),
  });
  const asking = (kind: "stop" | "restart"): MenuAction => ({
    label: words.power[kind],
    command: holdfast(project, COMMANDS[kind], name),
    onSelect: () => show({ kind, instance }),
  });
  const power: Record<string, MenuAction[]> = {
    Stopped: [direct("start")],
    Frozen: [direct("unfreeze"), asking("stop")],
    Running: [asking("stop"), asking("restart"), direct("freeze")],
  };
  return [
    ...(power[status] ?? [direct("start"), asking("stop")]),
    {
      label: words.rename.action,
      onSelect: () => show({ kind: "rename", instance }),
      disabled: status !== "Stopped",
      reason: words.rename.mustStop,
    },
    { label: words.remove.action, isDangerous: true, onSelect: () => show({ kind: "delete", instance }) },
  ];
}

function dialogOf(shown: NonNullable<Shown>, onClose: () => void, onDone?: (name?: string) => void): ReactNode {
  const { kind, instance } = shown;
  if (kind === "rename") return <RenameDialog instance={instance} onClose={onClose} {...(onDone && { onDone })} />;
  if (kind === "delete") return <DeleteDialog instance={instance} onClose={onClose} {...(onDone && { onDone })} />;
  return <PowerDialog instance={instance} action={kind} onClose={onClose} />;
}
