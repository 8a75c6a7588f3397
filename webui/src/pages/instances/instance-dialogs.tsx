// Dialogs of an instance that is there already: stop, restart, rename, delete.
import { useState } from "react";
import { useBackups } from "../../api/resources/backups";
import { finished } from "../../api/operations";
import { deleteInstance, renameInstance, setPower, useUndo, type Instance } from "../../api/resources/instances";
import { useSnapshots } from "../../api/resources/snapshots";
import { ActionDialog } from "../../components/action-dialog";
import { holdfast } from "../../components/command";
import { ConfirmDialog } from "../../components/confirm-dialog";
import { CheckField, TextField } from "../../components/fields";
import { Loaded } from "../../components/loaded";
import { texts } from "../../text";
import { isInstanceName } from "./instance-name";

const words = texts.instances;

export interface InstanceDialogProps {
  instance: Instance;
  onClose: () => void;
  /** Called with the new name, or undefined when the instance is gone. */
  onDone?: (name?: string) => void;
}

export function PowerDialog({ instance, action, onClose }: InstanceDialogProps & { action: "stop" | "restart" }) {
  const [isForced, setForced] = useState(instance.status === "Frozen");
  const [timeout, setTimeout] = useState("");
  const { name, project } = instance;
  const wait = timeout === "" ? -1 : Number(timeout);
  return (
    <ActionDialog
      action={{
        title: words.powerTitle[action](name),
        done: words.powerDone[action](name),
        run: () => setPower(name, project, action, { force: isForced, timeout: wait }),
      }}
      command={holdfast(project, action, name, isForced && "--force", timeout !== "" && "--timeout", timeout !== "" && timeout)}
      submit={texts.instances.power[action].replace("…", "")}
      isReady={Number.isInteger(wait)}
      onClose={onClose}
    >
      {!isForced && <p>{words.gentle}</p>}
      <CheckField label={words.force} help={words.forceHelp} isChecked={isForced} onChange={setForced} />
      {!isForced && (
        <TextField
          label={words.timeout}
          help={words.timeoutHelp}
          inputMode="numeric"
          value={timeout}
          onChange={setTimeout}
        />
      )}
    </ActionDialog>
  );
}

export function RenameDialog({ instance, onClose, onDone }: InstanceDialogProps) {
  const { name, project } = instance;
  const [newName, setNewName] = useState(name);
  const isFine = isInstanceName(newName);
  return (
    <ActionDialog
      action={{
        title: words.rename.title(name),
        done: words.rename.done(newName),
        run: () => renameInstance(name, project, newName),
      }}
      command={holdfast(project, "rename", name, newName)}
      submit={texts.rename}
      isReady={isFine && newName !== name}
      onClose={onClose}
      onDone={() => onDone?.(newName)}
    >
      {instance.status !== "Stopped" && <p>{words.rename.mustStop}</p>}
      <TextField
        label={texts.newName}
        value={newName}
        onChange={setNewName}
        autoComplete="off"
        error={isFine || newName === "" ? undefined : words.createImage.badName}
      />
    </ActionDialog>
  );
}

/** Names what goes with the instance, and wants its name typed. */
export function DeleteDialog({ instance, onClose, onDone }: InstanceDialogProps) {
  const { name, project } = instance;
  const snapshots = useSnapshots(name, project);
  const backups = useBackups(name, project);
  const undo = useUndo(name, project);
  const isRunning = instance.status !== "Stopped";
  const isProtected = ["true", "1", "yes", "on"].includes(instance.expanded_config["security.protection.delete"] ?? "");
  const run = async () => {
    if (isRunning) await finished(await setPower(name, project, "stop", { force: true }));
    return deleteInstance(name, project);
  };
  const held = snapshots.data?.filter((snapshot) => snapshot.held).length ?? 0;
  const volumes = attachedVolumes(instance);
  return (
    <ConfirmDialog
      action={{ title: words.remove.title(name), done: words.remove.done(name), run }}
      command={holdfast(project, "delete", name, isRunning && "--force")}
      submit={words.remove.submit}
      typed={name}
      isReady={snapshots.isSuccess && backups.isSuccess && !isProtected}
      onClose={onClose}
      onDone={() => onDone?.()}
      losses={[
        words.remove.itself,
        ...((snapshots.data?.length ?? 0) > 0 ? [words.remove.snapshots(snapshots.data?.length ?? 0)] : []),
        ...((backups.data?.length ?? 0) > 0 ? [words.remove.backups(backups.data?.length ?? 0)] : []),
        ...(undo.data ? [words.remove.undo(undo.data.snapshot)] : []),
      ]}
      notes={
        <>
          {isProtected && <p className="is-bad">{words.remove.protected}</p>}
          {held > 0 && <p className="is-bad">{words.remove.held(held)}</p>}
          {isRunning && <p>{words.remove.running}</p>}
          {volumes.length > 0 && <p>{words.remove.volumes(volumes.join(", "))}</p>}
        </>
      }
    >
      <p>{words.remove.intro(name)}</p>
      <Loaded query={snapshots}>{() => null}</Loaded>
    </ConfirmDialog>
  );
}

function attachedVolumes(instance: Instance): string[] {
  return Object.values(instance.expanded_devices)
    .filter((device) => device["type"] === "disk" && device["path"] !== "/" && device["pool"] !== undefined)
    .map((device) => `${device["pool"]}/${device["source"] ?? ""}`);
}
