// A new empty volume.
import { useState } from "react";
import { useNavigate } from "react-router-dom";
import { usePools } from "../../api/resources/server";
import { createVolume } from "../../api/resources/volumes";
import { ActionDialog } from "../../components/action-dialog";
import { holdfast } from "../../components/command";
import { SelectField, TextField } from "../../components/fields";
import { volumeAddress } from "../../components/project";
import { texts } from "../../text";
import { isVolumeName } from "./volume-name";

const words = texts.volumes.createEmpty;

export interface CreateVolumeProps {
  project: string;
  onClose: () => void;
}

export function CreateVolume({ project, onClose }: CreateVolumeProps) {
  const pools = usePools();
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [chosen, setPool] = useState("");
  const [type, setType] = useState("filesystem");
  const [size, setSize] = useState("");
  const [description, setDescription] = useState("");
  const pool = chosen || (pools.data?.[0]?.name ?? "");
  const config: Record<string, string> = size === "" ? {} : { size };
  const isNameFine = isVolumeName(name);
  return (
    <ActionDialog
      action={{
        title: words.title,
        done: words.done(name),
        run: () => createVolume(pool, project, { name, description, config, type: "custom", content_type: type }),
      }}
      command={holdfast(
        project,
        "storage",
        "volume",
        "create",
        pool || "POOL",
        name || "NAME",
        size !== "" && `size=${size}`,
        type !== "filesystem" && `--type=${type}`,
        ...(description === "" ? [] : ["--description", description]),
      )}
      submit={texts.create}
      isReady={isNameFine && pool !== ""}
      onClose={onClose}
      onDone={() => navigate(volumeAddress(pool, name, project))}
    >
      <TextField
        label={texts.name}
        value={name}
        onChange={setName}
        autoComplete="off"
        error={isNameFine || name === "" ? undefined : texts.volumes.badName}
      />
      <div className="field-row">
        <PoolField value={pool} onChange={setPool} />
        <TextField label={words.size} help={words.sizeHelp} value={size} onChange={setSize} />
      </div>
      <SelectField
        label={words.type}
        value={type}
        onChange={setType}
        choices={Object.entries(words.types).map(([value, label]) => ({ value, label }))}
      />
      <TextField label={texts.description} value={description} onChange={setDescription} />
    </ActionDialog>
  );
}

export function PoolField({ value, onChange }: { value: string; onChange: (pool: string) => void }) {
  const pools = usePools();
  return (
    <SelectField
      label={texts.pool}
      value={value}
      onChange={onChange}
      choices={(pools.data ?? []).map((each) => ({ value: each.name, label: `${each.name} (${each.driver})` }))}
    />
  );
}
