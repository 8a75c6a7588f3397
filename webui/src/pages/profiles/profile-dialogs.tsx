// Dialogs of profiles: create, rename, delete.
import { useState } from "react";
import { useNavigate } from "react-router-dom";
import { createProfile, deleteProfile, renameProfile, type Profile } from "../../api/resources/profiles";
import { useProfiles } from "../../api/resources/server";
import { ActionDialog } from "../../components/action-dialog";
import { holdfast } from "../../components/command";
import { ConfirmDialog } from "../../components/confirm-dialog";
import { entityOf } from "../../components/entity-link";
import { SelectField, TextField } from "../../components/fields";
import { texts } from "../../text";
import { profileAddress } from "./profiles-page";

const words = texts.profiles;
const isProfileName = (name: string): boolean => /^[^\s/]{1,64}$/.test(name) && name !== "." && name !== "..";

interface CreateProfileProps {
  project: string;
  onClose: () => void;
}

export function CreateProfile({ project, onClose }: CreateProfileProps) {
  const profiles = useProfiles(project);
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [from, setFrom] = useState("");
  const model = profiles.data?.find((each) => each.name === from);
  const body = { name, description, config: model?.config ?? {}, devices: model?.devices ?? {} };
  const isNameFine = isProfileName(name);
  const command =
    from === ""
      ? holdfast(project, "profile", "create", name || "NAME")
      : holdfast(project, "profile", "copy", from, name || "NAME");
  return (
    <ActionDialog
      action={{ title: words.createTitle, done: words.created(name), run: () => createProfile(body, project) }}
      command={command}
      submit={texts.create}
      isReady={isNameFine}
      onClose={onClose}
      onDone={() => navigate(profileAddress(name, project))}
    >
      <TextField
        label={texts.name}
        value={name}
        onChange={setName}
        autoComplete="off"
        error={isNameFine || name === "" ? undefined : words.badName}
      />
      <TextField label={texts.description} value={description} onChange={setDescription} />
      <SelectField
        label={words.from}
        value={from}
        onChange={setFrom}
        choices={[
          { value: "", label: words.fromNothing },
          ...(profiles.data ?? []).map((each) => ({ value: each.name, label: each.name })),
        ]}
      />
    </ActionDialog>
  );
}

interface ProfileDialogProps extends CreateProfileProps {
  profile: Profile;
  /** With the new name, or undefined when it is gone. */
  onDone?: (name?: string) => void;
}

export function RenameProfile({ profile, project, onClose, onDone }: ProfileDialogProps) {
  const [name, setName] = useState(profile.name);
  const isNameFine = isProfileName(name);
  return (
    <ActionDialog
      action={{
        title: words.renameTitle(profile.name),
        done: words.renamed(name),
        run: () => renameProfile(profile.name, project, name),
      }}
      command={holdfast(project, "profile", "rename", profile.name, name)}
      submit={texts.rename}
      isReady={isNameFine && name !== profile.name}
      onClose={onClose}
      onDone={() => onDone?.(name)}
    >
      <TextField
        label={texts.newName}
        value={name}
        onChange={setName}
        autoComplete="off"
        error={isNameFine ? undefined : words.badName}
      />
    </ActionDialog>
  );
}

export function DeleteProfile({ profile, project, onClose, onDone }: ProfileDialogProps) {
  const { name } = profile;
  return (
    <ConfirmDialog
      action={{ title: words.removeTitle(name), done: words.removed(name), run: () => deleteProfile(name, project) }}
      command={holdfast(project, "profile", "delete", name)}
      submit={texts.delete}
      losses={profile.used_by.map((url) => entityOf(url).name)}
      onClose={onClose}
      onDone={() => onDone?.()}
    >
      <p>{words.removeIntro}</p>
      {profile.used_by.length === 0 && <p>{words.nobody}</p>}
    </ConfirmDialog>
  );
}
