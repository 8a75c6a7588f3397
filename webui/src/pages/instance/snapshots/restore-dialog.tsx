// Restores a snapshot: says first what is lost, and whether that can be undone.
import { useState } from "react";
import { Link } from "react-router-dom";
import { finished, isUndoLost } from "../../../api/operations";
import { api, type Operation } from "../../../api/client";
import { useChanges } from "../../../api/resources/changes";
import type { Instance } from "../../../api/resources/instances";
import { useStatefulProblem } from "../../../api/resources/server";
import { restoreSnapshot, takeSnapshot, type Snapshot } from "../../../api/resources/snapshots";
import { Age, formatTime, parseTime } from "../../../components/age";
import { holdfast } from "../../../components/command";
import { ConfirmDialog } from "../../../components/confirm-dialog";
import { CheckField } from "../../../components/fields";
import { compareAddress } from "../../../components/places";
import { texts } from "../../../text";
import type { InstanceDialogProps } from "../../instances/instance-dialogs";
import { differingKeys } from "../../../components/snapshot-facts";

const words = texts.snapshots.restore;

interface RestoreDialogProps extends InstanceDialogProps {
  snapshot: Snapshot;
}

/** Keys that the server itself keeps: nobody misses them. */
const isOwn = (key: string): boolean => !key.startsWith("volatile.");

/** What of the settings would be other than it is now, one line each. */
function lostSettings(instance: Instance, snapshot: Snapshot): string[] {
  const keys = differingKeys(snapshot.config, instance.config).filter(isOwn);
  const devices = differingKeys(snapshot.devices, instance.devices);
  const profiles = (of: string[]) => of.join(", ") || texts.none;
  return [
    ...(keys.length > 0 ? [words.lostConfig(keys.join(", "))] : []),
    ...(devices.length > 0 ? [words.lostDevices(devices.join(", "))] : []),
    ...(profiles(snapshot.profiles) === profiles(instance.profiles)
      ? []
      : [words.lostProfiles(profiles(snapshot.profiles), profiles(instance.profiles))]),
    ...(instance.status === "Stopped" ? [] : [words.lostRuntime]),
  ];
}

function attachedVolumes(instance: Instance): string[] {
  return Object.values(instance.expanded_devices)
    .filter((device) => device["type"] === "disk" && device["source"] !== undefined)
    .map((device) => (device["pool"] === undefined ? (device["source"] ?? "") : `${device["pool"]}/${device["source"]}`));
}

export function RestoreDialog({ instance, snapshot, onClose }: RestoreDialogProps) {
  const { name, project } = instance;
  const problem = useStatefulProblem();
  const [isWanted, setWanted] = useState(snapshot.stateful);
  const isStateful = isWanted && problem === "";
  const [withVolumes, setWithVolumes] = useState(false);
  const [isSaving, setSaving] = useState(false);
  const volumes = attachedVolumes(instance);
  const undoSpan = instance.expanded_config["snapshots.undo"] ?? "1d";
  const isUndoable = (end: Operation | undefined) =>
    undoSpan !== "off" && !withVolumes && !(end !== undefined && isUndoLost(end));
  const run = async () => {
    const saved = { disk_volumes_mode: withVolumes ? "all-exclusive" : "root" };
    if (isSaving) await finished(await takeSnapshot(name, project, saved));
    return restoreSnapshot(name, snapshot.name, project, { stateful: isStateful, withVolumes });
  };
  const restore = holdfast(
    project,
    "restore",
    name,
    snapshot.name,
    isStateful && "--stateful",
    withVolumes && "--disk-volumes=all-exclusive",
  );
  return (
    <ConfirmDialog
      action={{
        title: words.title(snapshot.name),
        done: (end) => (isUndoable(end) ? words.doneUndoable : words.done)(name, snapshot.name),
        run,
        touches: [`/1.0/instances/${name}`],
      }}
      command={isSaving ? [
              holdfast(project, "snapshot", "create", name, withVolumes && "--disk-volumes=all-exclusive"),
              restore,
            ] : restore}
      submit={words.submit}
      onClose={onClose}
    >
      <p>
        {words.intro(name)} <Age time={snapshot.created_at} />
        {snapshot.description !== "" && ` (${snapshot.description})`}.
      </p>
      <h3 className="p-heading--5">{words.lost}</h3>
      <ul className="losses">
        <li>
          <LostFiles instance={instance} snapshot={snapshot} />
        </li>
        {lostSettings(instance, snapshot).map((loss) => (
          <li key={loss}>{loss}</li>
        ))}
      </ul>
      <p>
        {words.stays}{" "}
        {withVolumes ? words.noUndoOfVolumes : undoSpan === "off" ? words.noUndo : words.undo(undoSpan)}
      </p>
      <CheckField label={words.firstSnapshot} isChecked={isSaving} onChange={setSaving} />
      {snapshot.stateful && (
        <CheckField
          label={words.stateful}
          help={problem || undefined}
          isChecked={isStateful}
          disabled={problem !== ""}
          onChange={setWanted}
        />
      )}
      {volumes.length > 0 && (
        <CheckField
          label={words.volumes}
          help={withVolumes ? undefined : words.volumesStay(volumes.join(", "))}
          isChecked={withVolumes}
          onChange={setWithVolumes}
        />
      )}
    </ConfirmDialog>
  );
}

/** How many files a restore takes back, as the server counts them. */
function LostFiles({ instance, snapshot }: { instance: Instance; snapshot: Snapshot }) {
  const changes = useChanges(api`/1.0/instances/${instance.name}`, instance.project, { from: snapshot.name, to: "", limit: 1 });
  const link = <Link to={compareAddress(instance, snapshot.name)}>{words.compare}</Link>;
  return (
    <>
      {words.lostFiles(formatTime(parseTime(snapshot.created_at) ?? 0))}
      {changes.isLoading && <div className="u-text--muted">{words.lostCounting}</div>}
      {changes.data !== undefined && (
        <div>
          {changes.data.complete ? "" : words.lostAtLeast}
          {words.lostChanges(changes.data.added, changes.data.changed, changes.data.removed)} {link}
        </div>
      )}
    </>
  );
}
