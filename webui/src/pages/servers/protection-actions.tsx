// What can be done with a protection: pull now, pause, edit, remove.
import { useState, type ReactNode } from "react";
import {
  changeProtection,
  deleteProtection,
  PROTECTIONS,
  pullNow,
  type Protection,
} from "../../api/resources/protections";
import { ActionDialog } from "../../components/action-dialog";
import type { MenuAction } from "../../components/action-menu";
import { holdfast } from "../../components/command";
import { ConfirmDialog } from "../../components/confirm-dialog";
import { TextField } from "../../components/fields";
import { runDirectly } from "../../components/run-action";
import { texts } from "../../text";

const words = texts.servers;
const TOUCHES = [PROTECTIONS];

interface ProtectionActions {
  actions: MenuAction[];
  dialog: ReactNode;
}

const command = (verb: string, name: string): string => holdfast("default", "backup-server", verb, name);

export function useProtectionActions(protection: Protection): ProtectionActions {
  const [verb, setVerb] = useState<"edit" | "remove">();
  const { name, paused } = protection;
  const close = () => setVerb(undefined);
  const run = () =>
    void runDirectly({
      title: words.runTitle(name),
      done: words.ran(name),
      run: () => pullNow(name),
      touches: TOUCHES,
    });
  const toggle = () =>
    void runDirectly({
      title: paused ? words.resume : words.pause,
      done: paused ? words.resumed(name) : words.paused(name),
      run: () => changeProtection(name, { paused: !paused }),
      touches: TOUCHES,
    });
  return {
    actions: [
      { label: words.runNow, command: command("run-now", name), onSelect: run },
      {
        label: paused ? words.resume : words.pause,
        command: command(paused ? "resume" : "pause", name),
        onSelect: toggle,
      },
      { label: words.edit, onSelect: () => setVerb("edit") },
      { label: words.remove, isDangerous: true, onSelect: () => setVerb("remove") },
    ],
    dialog:
      verb === "edit" ? (
        <EditProtection protection={protection} onClose={close} />
      ) : verb === "remove" ? (
        <RemoveProtection protection={protection} onClose={close} />
      ) : null,
  };
}

interface ProtectionDialogProps {
  protection: Protection;
  onClose: () => void;
}

function RemoveProtection({ protection: { name }, onClose }: ProtectionDialogProps) {
  return (
    <ConfirmDialog
      action={{
        title: words.removeTitle(name),
        done: words.removed(name),
        run: () => deleteProtection(name),
        touches: TOUCHES,
      }}
      command={command("remove", name)}
      submit={words.remove.replace("…", "")}
      onClose={onClose}
    >
      <p>{words.removeIntro}</p>
    </ConfirmDialog>
  );
}

const OPTIONS = { schedule: "--every", keep: "--keep", window: "--window", limit: "--bwlimit", parallel: "--parallel" };

/** What the command says of each change. */
function changeWords(body: Partial<Record<keyof typeof OPTIONS, string | number>>): string[] {
  return Object.entries(body).flatMap(([key, value]) =>
    key === "limit" && value === 0 ? ["--no-bwlimit"] : [OPTIONS[key as keyof typeof OPTIONS], String(value)],
  );
}

function EditProtection({ protection, onClose }: ProtectionDialogProps) {
  const { name } = protection;
  const [schedule, setSchedule] = useState(protection.schedule);
  const [keep, setKeep] = useState(protection.keep);
  const [window, setWindow] = useState(protection.window);
  const [limit, setLimit] = useState(String(protection.limit));
  const [parallel, setParallel] = useState(String(protection.parallel));
  const wanted = { schedule, keep, window, limit: Number(limit), parallel: Number(parallel) };
  const body = Object.fromEntries(
    Object.entries(wanted).filter(([key, value]) => protection[key as keyof typeof wanted] !== value),
  );
  const areNumbers = /^\d+$/.test(limit) && /^[1-9]\d*$/.test(parallel);
  return (
    <ActionDialog
      action={{
        title: words.editTitle(name),
        done: words.edited(name),
        run: () => changeProtection(name, body),
        touches: TOUCHES,
      }}
      command={
        Object.keys(body).length === 0
          ? []
          : holdfast("default", "backup-server", "change", name, ...changeWords(body))
      }
      submit={texts.save}
      isReady={Object.keys(body).length > 0 && areNumbers}
      onClose={onClose}
    >
      <TextField label={words.schedule} help={words.everyHelp} value={schedule} onChange={setSchedule} />
      <TextField label={words.keep} help={words.keepHelp} value={keep} onChange={setKeep} />
      <TextField label={words.window} help={words.windowHelp} value={window} onChange={setWindow} />
      <div className="field-row">
        <TextField label={words.limit} help={words.limitHelp} inputMode="numeric" value={limit} onChange={setLimit} />
        <TextField label={words.parallel} inputMode="numeric" value={parallel} onChange={setParallel} />
      </div>
    </ActionDialog>
  );
}
