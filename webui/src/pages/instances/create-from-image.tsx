// A new instance from an image.
import { useState } from "react";
import { useNavigate } from "react-router-dom";
import type { Operation, Schemas } from "../../api/client";
import { createInstance } from "../../api/resources/instances";
import { useImages, usePools, useProfiles } from "../../api/resources/server";
import { ActionDialog } from "../../components/action-dialog";
import { holdfast } from "../../components/command";
import { CheckField, SelectField, TextField } from "../../components/fields";
import { instanceAddress } from "../../components/project";
import { texts } from "../../text";
import { isInstanceName } from "./instance-name";

const words = texts.instances.createImage;

export interface CreateProps {
  project: string;
  onClose: () => void;
}

interface Form {
  fingerprint: string;
  name: string;
  pool: string;
  profiles: string[];
  memory: string;
  size: string;
  description: string;
  isStarted: boolean;
}

type Image = Schemas["Image"];

export function imageLabel(image: Image): string {
  const description = image.properties["description"] ?? image.fingerprint.slice(0, 12);
  const aliases = image.aliases.map((alias) => alias.name).join(", ");
  return aliases === "" ? description : `${aliases}: ${description}`;
}

const nameOfImage = (image: Image | undefined): string =>
  image?.aliases[0]?.name ?? image?.fingerprint.slice(0, 12) ?? "IMAGE";

/** Say the root disk anew only where the form says something of it: else that of the profiles counts. */
function bodyOf(form: Form, image: Image, rootOfProfiles: Record<string, string> | undefined): Schemas["InstancesPost"] {
  const root: Record<string, string> = { ...(rootOfProfiles ?? { type: "disk", path: "/" }) };
  if (form.pool !== "") root["pool"] = form.pool;
  if (form.size !== "") root["size"] = form.size;
  const isRootChanged = form.pool !== "" || form.size !== "";
  return {
    name: form.name,
    description: form.description,
    profiles: form.profiles,
    config: form.memory === "" ? {} : { "limits.memory": form.memory },
    devices: isRootChanged ? { root } : {},
    source: { type: "image", fingerprint: image.fingerprint },
    type: image.type,
    start: form.isStarted,
  };
}

function commandOf(form: Form, image: Image | undefined, project: string): string {
  return holdfast(
    project,
    form.isStarted ? "launch" : "init",
    nameOfImage(image),
    form.name !== "" && form.name,
    ...(form.profiles.length === 0 ? ["--no-profiles"] : form.profiles.flatMap((profile) => ["-p", profile])),
    ...(form.pool === "" ? [] : ["-s", form.pool]),
    ...(form.memory === "" ? [] : ["-c", `limits.memory=${form.memory}`]),
    ...(form.size === "" ? [] : ["-d", `root,size=${form.size}`]),
  );
}

export function CreateFromImage({ project, onClose }: CreateProps) {
  const images = useImages(project);
  const profiles = useProfiles(project);
  const navigate = useNavigate();
  const [form, setForm] = useState<Form>({
    fingerprint: "",
    name: "",
    pool: "",
    profiles: ["default"],
    memory: "",
    size: "",
    description: "",
    isStarted: true,
  });
  const image = images.data?.find((each) => each.fingerprint === form.fingerprint) ?? images.data?.[0];
  const root = form.profiles
    .map((name) => profiles.data?.find((profile) => profile.name === name)?.devices["root"])
    .filter((device) => device !== undefined)
    .at(-1);
  const isNameFine = form.name === "" || isInstanceName(form.name);
  const open = (operation: Operation | undefined) => {
    const url = operation?.resources?.["instances"]?.[0] ?? "";
    const name = form.name || decodeURIComponent(url.split("?")[0]?.split("/").at(-1) ?? "");
    if (name !== "") navigate(instanceAddress(name, project));
  };
  return (
    <ActionDialog
      action={{
        title: words.title,
        done: form.name === "" ? words.doneUnnamed : words.done(form.name),
        run: () => createInstance(bodyOf(form, image as Image, root), project),
      }}
      command={commandOf(form, image, project)}
      submit={words.submit}
      isReady={image !== undefined && isNameFine}
      onClose={onClose}
      onDone={open}
    >
      <FormFields form={form} setForm={setForm} project={project} image={image} isNameFine={isNameFine} />
    </ActionDialog>
  );
}

interface FormFieldsProps {
  form: Form;
  setForm: (form: Form) => void;
  project: string;
  image: Image | undefined;
  isNameFine: boolean;
}

function FormFields({ form, setForm, project, image, isNameFine }: FormFieldsProps) {
  const images = useImages(project);
  const pools = usePools();
  const profiles = useProfiles(project);
  const set = (change: Partial<Form>) => setForm({ ...form, ...change });
  const toggle = (name: string, isOn: boolean) =>
    set({ profiles: isOn ? [...form.profiles, name] : form.profiles.filter((each) => each !== name) });
  if (images.data?.length === 0) return <p>{words.noImages}</p>;
  return (
    <>
      <SelectField
        label={words.image}
        value={image?.fingerprint ?? ""}
        onChange={(fingerprint) => set({ fingerprint })}
        choices={(images.data ?? []).map((each) => ({ value: each.fingerprint, label: imageLabel(each) }))}
      />
      <TextField
        label={words.name}
        help={words.nameHelp}
        value={form.name}
        onChange={(name) => set({ name })}
        autoComplete="off"
        error={isNameFine ? undefined : words.badName}
      />
      <TextField label={words.description} value={form.description} onChange={(description) => set({ description })} />
      <div className="field-row">
        <SelectField
          label={words.pool}
          value={form.pool}
          onChange={(pool) => set({ pool })}
          choices={[
            { value: "", label: words.poolOfProfile },
            ...(pools.data ?? []).map((pool) => ({ value: pool.name, label: `${pool.name} (${pool.driver})` })),
          ]}
        />
        <TextField label={words.size} help={words.sizeHelp} value={form.size} onChange={(size) => set({ size })} />
        <TextField
          label={words.memory}
          help={words.memoryHelp}
          value={form.memory}
          onChange={(memory) => set({ memory })}
        />
      </div>
      <fieldset className="choices">
        <legend>{words.profiles}</legend>
        {(profiles.data ?? []).map((profile) => (
          <CheckField
            key={profile.name}
            label={profile.name}
            isChecked={form.profiles.includes(profile.name)}
            onChange={(isOn) => toggle(profile.name, isOn)}
          />
        ))}
      </fieldset>
      <CheckField label={words.start} isChecked={form.isStarted} onChange={(isStarted) => set({ isStarted })} />
    </>
  );
}
