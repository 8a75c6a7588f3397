// A new image: built by a recipe, or of a file.
import { useRef, useState } from "react";
import type { Operation } from "../../api/client";
import { finished } from "../../api/operations";
import { addAlias, importImage, makeImage } from "../../api/resources/images";
import { ActionDialog } from "../../components/action-dialog";
import { holdfast } from "../../components/command";
import { CheckField, SelectField, TextField } from "../../components/fields";
import { FileField } from "../../components/file-field";
import { texts } from "../../text";

interface AddImageProps {
  project: string;
  onClose: () => void;
}

const ALIASES = "/1.0/images/aliases";

const fingerprintOf = (operation: Operation): string => String(operation.metadata?.["fingerprint"] ?? "");

export function BuildImage({ project, onClose }: AddImageProps) {
  const words = texts.images.build;
  const [recipe, setRecipe] = useState("debian/12");
  const [alias, setAlias] = useState("");
  const name = alias || recipe;
  return (
    <ActionDialog
      action={{
        title: words.title,
        done: words.done(name),
        run: () => makeImage(project, { source: { type: "build", recipe }, aliases: [{ name }] }),
        touches: [ALIASES],
      }}
      command={holdfast(project, "image", "build", recipe, "--alias", name)}
      submit={words.submit}
      onClose={onClose}
    >
      <p>{words.help}</p>
      <SelectField
        label={words.recipe}
        value={recipe}
        onChange={setRecipe}
        choices={Object.entries(words.recipes).map(([value, label]) => ({ value, label }))}
      />
      <TextField label={words.alias} help={words.aliasHelp} value={alias} onChange={setAlias} autoComplete="off" />
    </ActionDialog>
  );
}

export function ImportImage({ project, onClose }: AddImageProps) {
  const words = texts.images.file;
  const [metadata, setMetadata] = useState<File>();
  const [rootfs, setRootfs] = useState<File>();
  const [alias, setAlias] = useState("");
  const [isPublic, setPublic] = useState(false);
  const file = useRef(metadata);
  file.current = metadata;
  const run = async () => {
    if (file.current === undefined) return undefined;
    const operation = await importImage(project, file.current, rootfs, isPublic);
    if (alias === "") return operation;
    const end = await finished(operation);
    await addAlias(alias, fingerprintOf(end), project);
    return undefined;
  };
  return (
    <ActionDialog
      action={{ title: words.title, done: words.done, run, touches: [ALIASES, "/1.0/images"] }}
      command={holdfast(
        project,
        "image",
        "import",
        metadata?.name ?? "FILE",
        rootfs?.name,
        ...(alias === "" ? [] : ["--alias", alias]),
        isPublic && "--public",
      )}
      submit={words.submit}
      isReady={metadata !== undefined}
      onClose={onClose}
    >
      <FileField label={words.file} help={words.fileHelp} onChange={setMetadata} />
      <FileField label={words.rootfs} help={words.rootfsHelp} onChange={setRootfs} />
      <TextField label={words.alias} value={alias} onChange={setAlias} autoComplete="off" />
      <CheckField label={words.isPublic} isChecked={isPublic} onChange={setPublic} />
    </ActionDialog>
  );
}
