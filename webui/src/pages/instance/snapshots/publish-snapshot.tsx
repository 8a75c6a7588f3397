// Makes an image of a snapshot.
import { useState } from "react";
import { makeImage } from "../../../api/resources/images";
import type { Snapshot } from "../../../api/resources/snapshots";
import { ActionDialog } from "../../../components/action-dialog";
import { holdfast } from "../../../components/command";
import { CheckField, SelectField, TextField } from "../../../components/fields";
import { COMPRESSIONS } from "../../../components/compressions";
import { texts } from "../../../text";
import type { InstanceDialogProps } from "../../instances/instance-dialogs";

const words = texts.snapshots.image;

interface PublishSnapshotProps extends InstanceDialogProps {
  snapshot: Snapshot;
}

export function PublishSnapshot({ instance, snapshot, onClose }: PublishSnapshotProps) {
  const { name, project } = instance;
  const [alias, setAlias] = useState("");
  const [description, setDescription] = useState("");
  const [compression, setCompression] = useState("");
  const [isPublic, setPublic] = useState(false);
  const source = `${name}/${snapshot.name}`;
  const run = () =>
    makeImage(project, {
      source: { type: "snapshot", name: source },
      public: isPublic,
      properties: description === "" ? {} : { description },
      compression_algorithm: compression,
      aliases: alias === "" ? [] : [{ name: alias, description: "" }],
    });
  return (
    <ActionDialog
      action={{ title: words.title(source), done: words.done(alias), run }}
      command={holdfast(
        project,
        "publish",
        source,
        description !== "" && `description=${description}`,
        ...(alias === "" ? [] : ["--alias", alias]),
        ...(compression === "" ? [] : ["--compression", compression]),
        isPublic && "--public",
      )}
      submit={words.submit}
      onClose={onClose}
    >
      <TextField label={words.alias} help={words.aliasHelp} value={alias} onChange={setAlias} autoComplete="off" />
      <TextField label={words.description} value={description} onChange={setDescription} />
      <SelectField
        label={words.compression}
        value={compression}
        onChange={setCompression}
        choices={[{ value: "", label: words.compressionServer }, ...COMPRESSIONS]}
      />
      <CheckField label={words.isPublic} isChecked={isPublic} onChange={setPublic} />
    </ActionDialog>
  );
}
