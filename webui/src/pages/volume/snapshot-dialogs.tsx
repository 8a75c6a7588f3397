// Dialogs of a volume's snapshots: take, edit, restore, delete.
import { useState } from "react";
import { Link } from "react-router-dom";
import type { Schemas } from "../../api/client";
import { finished } from "../../api/operations";
import {
  changeVolumeSnapshot,
  deleteVolumeSnapshot,
  renameVolumeSnapshot,
  restoreVolume,
  takeVolumeSnapshot,
  useVolumeSnapshots,
  volumePath,
  type Volume,
  type VolumeSnapshot,
} from "../../api/resources/volumes";
import { ActionDialog } from "../../components/action-dialog";
import { Age, formatTime, parseTime } from "../../components/age";
import { holdfast } from "../../components/command";
import { ConfirmDialog } from "../../components/confirm-dialog";
import { entityOf } from "../../components/entity-link";
import { CheckField, TextField } from "../../components/fields";
import { KeptUntil } from "../../components/kept-until";
import { compareAddress } from "../../components/places";
import { texts } from "../../text";
import { isoOfLocal, isSnapshotName, localOfIso, NEVER, problemOf } from "../../components/snapshot-facts";

const words = texts.snapshots;

interface VolumeDialogProps {
  volume: Volume;
  onClose: () => void;
}

interface SnapshotDialogProps extends VolumeDialogProps {
  snapshot: VolumeSnapshot;
}

const command = ({ project }: Volume, ...rest: (string | false)[]): string =>
  holdfast(project, "storage", "volume", ...rest);

export function TakeVolumeSnapshot({ volume, onClose }: VolumeDialogProps) {
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [isKept, setKept] = useState(false);
  const { data: others } = useVolumeSnapshots(volume);
  const nameProblem = problemOf(name, others ?? []);
  const body = { name, description, ...(isKept ? { expires_at: NEVER } : {}) };
  return (
    <ActionDialog
      action={{
        title: words.create.title(volume.name),
        done: name === "" ? words.create.done : words.create.doneNamed(name),
        run: () => takeVolumeSnapshot(volume, body),
      }}
      command={command(
        volume,
        "snapshot",
        volume.pool,
        volume.name,
        name !== "" && name,
        ...(description === "" ? [] : ["--description", description]),
        isKept && "--no-expiry",
      )}
      submit={words.create.submit}
      isReady={nameProblem === undefined}
      onClose={onClose}
    >
      <TextField
        label={words.create.name}
        help={words.create.nameHelp(volume.config["snapshots.pattern"] ?? "snap%d")}
        value={name}
        onChange={setName}
        autoComplete="off"
        error={nameProblem}
      />
      <TextField label={words.create.description} value={description} onChange={setDescription} />
      <CheckField label={words.create.expiryChoices.never} isChecked={isKept} onChange={setKept} />
    </ActionDialog>
  );
}

interface Form {
  name: string;
  description: string;
  date: string;
  isDated: boolean;
  isHeld: boolean;
}

/** What is to be sent: only what was changed, so that nothing else is overwritten. */
function bodyOf(snapshot: VolumeSnapshot, form: Form): Schemas["VolumeSnapshotPatch"] {
  const date = form.isDated ? form.date : "";
  return {
    ...(form.description === snapshot.description ? {} : { description: form.description }),
    ...(date === localOfIso(snapshot.expires_at) ? {} : { expires_at: isoOfLocal(date) ?? NEVER }),
    ...(form.isHeld === snapshot.held ? {} : { held: form.isHeld }),
  };
}

export function ChangeVolumeSnapshot({ volume, snapshot, onClose }: SnapshotDialogProps) {
  const date = localOfIso(snapshot.expires_at);
  const [form, setForm] = useState<Form>({
    name: snapshot.name,
    description: snapshot.description,
    date,
    isDated: date !== "",
    isHeld: snapshot.held,
  });
  const set = (change: Partial<Form>) => setForm({ ...form, ...change });
  const body = bodyOf(snapshot, form);
  const isRenamed = form.name !== snapshot.name;
  const isChanged = Object.keys(body).length > 0;
  const run = async () => {
    if (isChanged) await changeVolumeSnapshot(volume, snapshot.name, body);
    return isRenamed ? renameVolumeSnapshot(volume, snapshot.name, form.name) : undefined;
  };
  const inside = `${volume.name}/${snapshot.name}`;
  const commands = [
    ...(isChanged ? [command(volume, "edit", volume.pool, inside)] : []),
    ...(isRenamed ? [command(volume, "rename", volume.pool, inside, `${volume.name}/${form.name}`)] : []),
  ];
  const isNameFine = isSnapshotName(form.name);
  return (
    <ActionDialog
      action={{
        title: words.change.title(snapshot.name),
        done: words.change.done(form.name),
        run,
        touches: [volumePath(volume)],
      }}
      command={commands.length > 0 ? commands : command(volume, "edit", volume.pool, inside)}
      submit={texts.save}
      isReady={isNameFine && (isRenamed || isChanged) && (!form.isDated || isoOfLocal(form.date) !== undefined)}
      onClose={onClose}
    >
      <TextField
        label={texts.name}
        value={form.name}
        onChange={(name) => set({ name })}
        autoComplete="off"
        error={isNameFine ? undefined : words.create.badName}
      />
      <TextField label={texts.description} value={form.description} onChange={(description) => set({ description })} />
      <KeptUntil date={form.date} isDated={form.isDated} onChange={set} />
      <CheckField label={words.change.held} isChecked={form.isHeld} onChange={(isHeld) => set({ isHeld })} />
    </ActionDialog>
  );
}

export function RestoreVolume({ volume, snapshot, onClose }: SnapshotDialogProps) {
  const [isSaving, setSaving] = useState(false);
  const lost = texts.volumes.restore;
  const run = async () => {
    if (isSaving) await finished(await takeVolumeSnapshot(volume, {}));
    return restoreVolume(volume, snapshot.name);
  };
  const restore = command(volume, "restore", volume.pool, volume.name, snapshot.name);
  const users = volume.used_by.map((url) => entityOf(url).name).join(", ");
  const taken = parseTime(snapshot.created_at);
  return (
    <ConfirmDialog
      action={{
        title: words.restore.title(snapshot.name),
        done: lost.done(volume.name, snapshot.name),
        run,
        touches: [volumePath(volume)],
      }}
      command={isSaving ? [command(volume, "snapshot", volume.pool, volume.name), restore] : restore}
      submit={words.restore.submit}
      onClose={onClose}
    >
      <p>
        {lost.intro(volume.name)} <Age time={snapshot.created_at} />
        {snapshot.description !== "" && ` (${snapshot.description})`}.
      </p>
      <h3 className="p-heading--5">{words.restore.lost}</h3>
      <ul className="losses">
        <li>
          {lost.lost(taken === undefined ? texts.unknown : formatTime(taken))}{" "}
          <Link to={compareAddress(volume, snapshot.name)}>{words.restore.compare}</Link>
        </li>
      </ul>
      <p>{lost.stays}</p>
      {users !== "" && <p className="is-bad">{lost.running(users)}</p>}
      <CheckField label={words.restore.firstSnapshot} isChecked={isSaving} onChange={setSaving} />
    </ConfirmDialog>
  );
}

interface DeleteProps extends VolumeDialogProps {
  snapshots: VolumeSnapshot[];
  onDone: () => void;
}

export function DeleteVolumeSnapshots({ volume, snapshots, onClose, onDone }: DeleteProps) {
  const free = snapshots.filter((snapshot) => !snapshot.held);
  const held = snapshots.filter((snapshot) => snapshot.held).map((snapshot) => snapshot.name);
  const run = async () => {
    for (const { name } of free) await finished(await deleteVolumeSnapshot(volume, name));
  };
  return (
    <ConfirmDialog
      action={{
        title: words.remove.title(free.length, free[0]?.name ?? ""),
        done: words.remove.done(free.length),
        run,
      }}
      command={free.map(({ name }) => command(volume, "delete", volume.pool, `${volume.name}/${name}`))}
      submit={words.remove.submit}
      isReady={free.length > 0}
      losses={free.map((snapshot) => (
        <span key={snapshot.name}>
          {snapshot.name}, <Age time={snapshot.created_at} />
          {snapshot.description !== "" && `: ${snapshot.description}`}
        </span>
      ))}
      onClose={onClose}
      onDone={onDone}
      notes={held.length > 0 && <p className="is-bad">{words.remove.held(held.join(", "))}</p>}
    >
      <p>{words.remove.intro}</p>
    </ConfirmDialog>
  );
}
