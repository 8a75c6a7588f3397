// Dialogs of a volume that is there: rename or move, delete.
import { useState } from "react";
import { usePools } from "../../api/resources/server";
import {
  deleteVolume,
  moveVolume,
  useVolumeBackups,
  useVolumeSnapshots,
  type Volume,
} from "../../api/resources/volumes";
import { ActionDialog } from "../../components/action-dialog";
import { holdfast } from "../../components/command";
import { ConfirmDialog } from "../../components/confirm-dialog";
import { SelectField, TextField } from "../../components/fields";
import { texts } from "../../text";
import { isVolumeName } from "./volume-name";

const words = texts.volumes;

interface VolumeDialogProps {
  volume: Volume;
  onClose: () => void;
}

interface MoveVolumeProps extends VolumeDialogProps {
  onDone: (pool: string, name: string) => void;
}

export function MoveVolume({ volume, onClose, onDone }: MoveVolumeProps) {
  const pools = usePools();
  const [name, setName] = useState(volume.name);
  const [pool, setPool] = useState(volume.pool);
  const isNameFine = isVolumeName(name);
  const isMoved = pool !== volume.pool;
  const command = isMoved
    ? holdfast(volume.project, "storage", "volume", "move", `${volume.pool}/${volume.name}`, `${pool}/${name}`)
    : holdfast(volume.project, "storage", "volume", "rename", volume.pool, volume.name, name);
  return (
    <ActionDialog
      action={{
        title: words.rename.title(volume.name),
        done: words.rename.done(`${pool}/${name}`),
        run: () => moveVolume(volume, { name, pool }),
      }}
      command={command}
      submit={texts.save}
      isReady={isNameFine && (isMoved || name !== volume.name)}
      onClose={onClose}
      onDone={() => onDone(pool, name)}
    >
      <p>{words.rename.help}</p>
      <TextField
        label={texts.newName}
        value={name}
        onChange={setName}
        autoComplete="off"
        error={isNameFine ? undefined : words.badName}
      />
      <SelectField
        label={texts.pool}
        value={pool}
        onChange={setPool}
        choices={(pools.data ?? []).map((each) => ({ value: each.name, label: `${each.name} (${each.driver})` }))}
      />
    </ActionDialog>
  );
}

interface DeleteVolumeProps extends VolumeDialogProps {
  onDone: () => void;
}

/** Names what goes with the volume, and wants its name typed. */
export function DeleteVolume({ volume, onClose, onDone }: DeleteVolumeProps) {
  const snapshots = useVolumeSnapshots(volume);
  const backups = useVolumeBackups(volume);
  const { name } = volume;
  const count = snapshots.data?.length ?? 0;
  const held = snapshots.data?.filter((each) => each.held).length ?? 0;
  const files = backups.data?.length ?? 0;
  return (
    <ConfirmDialog
      action={{ title: words.remove.title(name), done: words.remove.done(name), run: () => deleteVolume(volume) }}
      command={holdfast(volume.project, "storage", "volume", "delete", volume.pool, name)}
      submit={words.remove.submit}
      typed={name}
      isReady={snapshots.isSuccess && backups.isSuccess}
      onClose={onClose}
      onDone={onDone}
      losses={[
        words.remove.content,
        ...(count > 0 ? [words.remove.snapshots(count)] : []),
        ...(files > 0 ? [words.remove.backups(files)] : []),
      ]}
    >
      <p>{words.remove.intro(name)}</p>
      {volume.used_by.length > 0 && <p className="is-bad">{words.remove.used}</p>}
      {held > 0 && <p className="is-bad">{words.remove.held(held)}</p>}
    </ConfirmDialog>
  );
}
