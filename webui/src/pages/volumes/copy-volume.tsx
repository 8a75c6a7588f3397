// A new volume from another one, or from a snapshot of it.
import { useState } from "react";
import { useNavigate } from "react-router-dom";
import { createVolume, useVolumeSnapshots, type Volume } from "../../api/resources/volumes";
import { ActionDialog } from "../../components/action-dialog";
import { holdfast } from "../../components/command";
import { CheckField, SelectField, TextField } from "../../components/fields";
import { volumeAddress } from "../../components/project";
import { texts } from "../../text";
import { PoolField } from "./create-volume";
import { isVolumeName } from "./volume-name";

const words = texts.volumes.createCopy;

interface CopyVolumeProps {
  project: string;
  /** Volumes to choose from; a single one is taken as it is. */
  choices: Volume[];
  snapshot?: string;
  onClose: () => void;
}

const keyOf = (volume: Volume): string => `${volume.pool}/${volume.name}`;

export function CopyVolume({ project, choices, snapshot: given = "", onClose }: CopyVolumeProps) {
  const [chosen, setChosen] = useState("");
  const source = choices.find((each) => keyOf(each) === chosen) ?? choices[0];
  if (source === undefined) return null;
  return (
    <CopyDialog key={keyOf(source)} {...{ project, source, given, choices, onClose }} onChoose={setChosen} />
  );
}

interface CopyDialogProps {
  project: string;
  source: Volume;
  given: string;
  choices: Volume[];
  onChoose: (key: string) => void;
  onClose: () => void;
}

function CopyDialog({ project, source, given, choices, onChoose, onClose }: CopyDialogProps) {
  const snapshots = useVolumeSnapshots(source);
  const navigate = useNavigate();
  const [snapshot, setSnapshot] = useState(given);
  const [name, setName] = useState("");
  const [pool, setPool] = useState(source.pool);
  const [withSnapshots, setWithSnapshots] = useState(true);
  const from = snapshot === "" ? source.name : `${source.name}/${snapshot}`;
  const isWithout = snapshot === "" && !withSnapshots;
  const body = {
    name,
    type: "custom",
    content_type: source.content_type,
    source: { type: "copy", name: from, pool: source.pool, project, volume_only: isWithout },
  };
  const isNameFine = isVolumeName(name);
  return (
    <ActionDialog
      action={{
        title: words.title(`${source.pool}/${from}`),
        done: words.done(name),
        run: () => createVolume(pool, project, body),
      }}
      command={holdfast(
        project,
        "storage",
        "volume",
        "copy",
        `${source.pool}/${from}`,
        `${pool}/${name || "NAME"}`,
        isWithout && "--volume-only",
      )}
      submit={texts.create}
      isReady={isNameFine}
      onClose={onClose}
      onDone={() => navigate(volumeAddress(pool, name, project))}
    >
      {choices.length > 1 && (
        <SelectField
          label={words.volume}
          value={keyOf(source)}
          onChange={onChoose}
          choices={choices.map((each) => ({ value: keyOf(each), label: keyOf(each) }))}
        />
      )}
      <SelectField
        label={words.snapshot}
        value={snapshot}
        onChange={setSnapshot}
        choices={[
          { value: "", label: words.now },
          ...(snapshots.data ?? []).map((each) => ({ value: each.name, label: each.name })).reverse(),
        ]}
      />
      <div className="field-row">
        <TextField
          label={words.name}
          value={name}
          onChange={setName}
          autoComplete="off"
          error={isNameFine || name === "" ? undefined : texts.volumes.badName}
        />
        <PoolField value={pool} onChange={setPool} />
      </div>
      {snapshot === "" && (
        <CheckField label={words.withSnapshots} isChecked={withSnapshots} onChange={setWithSnapshots} />
      )}
    </ActionDialog>
  );
}
