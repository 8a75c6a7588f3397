// Description and profiles of an instance.
import { useState } from "react";
import { patchInstance } from "../../../api/resources/instances";
import { useProfiles } from "../../../api/resources/server";
import { ActionDialog } from "../../../components/action-dialog";
import { holdfast } from "../../../components/command";
import { CheckField, TextField } from "../../../components/fields";
import { texts } from "../../../text";
import type { TabProps } from "../instance-page";

const words = texts.configuration;

export function GeneralSettings({ instance }: TabProps) {
  const { name, project } = instance;
  const all = useProfiles(project);
  const [description, setDescription] = useState(instance.description);
  const [profiles, setProfiles] = useState(instance.profiles);
  const [isSaving, setSaving] = useState(false);
  const isDescribed = description !== instance.description;
  const isProfiled = profiles.join("\n") !== instance.profiles.join("\n");
  const toggle = (profile: string, isOn: boolean) =>
    setProfiles(isOn ? [...profiles, profile] : profiles.filter((each) => each !== profile));
  const body = { ...(isDescribed ? { description } : {}), ...(isProfiled ? { profiles } : {}) };
  const lines = [
    ...(isDescribed ? [`description: ${JSON.stringify(description)}`] : []),
    ...(isProfiled ? [`profiles: ${JSON.stringify(profiles)}`] : []),
  ];
  return (
    <section className="card">
      <h2 className="p-heading--5">{words.general}</h2>
      <TextField label={texts.description} value={description} onChange={setDescription} />
      <fieldset className="choices">
        <legend className="field-title">{words.profiles}</legend>
        {(all.data ?? []).map((profile) => (
          <CheckField
            key={profile.name}
            label={profile.name}
            isChecked={profiles.includes(profile.name)}
            onChange={(isOn) => toggle(profile.name, isOn)}
          />
        ))}
        <p className="p-form-help-text">{words.profilesHelp}</p>
      </fieldset>
      <button type="button" className="p-button" disabled={lines.length === 0} onClick={() => setSaving(true)}>
        {words.save}
      </button>
      {isSaving && (
        <ActionDialog
          action={{
            title: words.saveTitle(name),
            done: words.saved(name),
            run: () => patchInstance(name, project, body),
          }}
          command={
            [
              ...(isDescribed ? [holdfast(project, "config", "edit", name)] : []),
              ...(isProfiled ? [holdfast(project, "profile", "assign", name, profiles.join(","))] : []),
            ]
          }
          submit={texts.save}
          onClose={() => setSaving(false)}
        >
          <ul className="losses">
            {lines.map((line) => (
              <li key={line}>
                <code>{line}</code>
              </li>
            ))}
          </ul>
        </ActionDialog>
      )}
    </section>
  );
}
