// Dialogs of an image that is there: edit, delete.
import { useState } from "react";
import { addAlias, deleteImage, patchImage, removeAlias, type Image } from "../../api/resources/images";
import { ActionDialog } from "../../components/action-dialog";
import { holdfast } from "../../components/command";
import { ConfirmDialog } from "../../components/confirm-dialog";
import { CheckField, TextField } from "../../components/fields";
import { texts } from "../../text";
import { aliasesOf, imageName, shortFingerprint } from "./image-name";

const words = texts.images;
const ALIASES = "/1.0/images/aliases";

interface ImageDialogProps {
  image: Image;
  project: string;
  onClose: () => void;
}

export function ChangeImage({ image, project, onClose }: ImageDialogProps) {
  const before = aliasesOf(image);
  const [description, setDescription] = useState(image.properties["description"] ?? "");
  const [aliases, setAliases] = useState(before.join(" "));
  const [isPublic, setPublic] = useState(image.public);
  const wanted = aliases.split(/\s+/).filter((each) => each !== "");
  const added = wanted.filter((each) => !before.includes(each));
  const removed = before.filter((each) => !wanted.includes(each));
  const isImageChanged = description !== (image.properties["description"] ?? "") || isPublic !== image.public;
  const run = async () => {
    if (isImageChanged) {
      await patchImage(image.fingerprint, project, { public: isPublic, properties: { description } });
    }
    for (const name of removed) await removeAlias(name, project);
    for (const name of added) await addAlias(name, image.fingerprint, project);
  };
  const short = shortFingerprint(image);
  const commands = [
    ...(isImageChanged ? [holdfast(project, "image", "edit", short)] : []),
    ...removed.map((name) => holdfast(project, "image", "alias", "delete", name)),
    ...added.map((name) => holdfast(project, "image", "alias", "create", name, short)),
  ];
  return (
    <ActionDialog
      action={{
        title: words.change.title(imageName(image)),
        done: words.change.done(imageName(image)),
        run,
        touches: ["/1.0/images", ALIASES],
      }}
      command={commands.length > 0 ? commands : holdfast(project, "image", "show", short)}
      submit={texts.save}
      isReady={commands.length > 0}
      onClose={onClose}
    >
      <TextField label={texts.description} value={description} onChange={setDescription} />
      <TextField
        label={words.change.aliases}
        help={words.change.aliasesHelp}
        value={aliases}
        onChange={setAliases}
        autoComplete="off"
      />
      <CheckField label={words.change.isPublic} isChecked={isPublic} onChange={setPublic} />
    </ActionDialog>
  );
}

export function DeleteImage({ image, project, onClose }: ImageDialogProps) {
  const name = imageName(image);
  return (
    <ConfirmDialog
      action={{
        title: words.removeTitle(name),
        done: words.removed(name),
        run: () => deleteImage(image.fingerprint, project),
      }}
      command={holdfast(project, "image", "delete", name)}
      submit={texts.delete}
      losses={[`${aliasesOf(image).join(", ")} ${shortFingerprint(image)} ${image.properties["description"] ?? ""}`]}
      onClose={onClose}
    >
      <p>{words.removeIntro}</p>
    </ConfirmDialog>
  );
}
