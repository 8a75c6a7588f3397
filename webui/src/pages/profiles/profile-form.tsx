// A profile as a form: description, settings, devices.
import { putProfile, type Profile } from "../../api/resources/profiles";
import { holdfast } from "../../components/command";
import { DevicesEditor } from "../../components/devices-editor";
import { useDraft } from "../../components/draft";
import { TextField } from "../../components/fields";
import { SavedForm } from "../../components/saved-form";
import { changedPairs, settingCommands } from "../../components/setting-commands";
import { SettingsEditor } from "../../components/settings-editor";
import { texts } from "../../text";

const words = texts.profiles;
const SUGGESTIONS = [
  "boot.autostart",
  "limits.cpu",
  "limits.memory",
  "security.nesting",
  "security.protection.delete",
  "snapshots.expiry",
  "snapshots.keep",
  "snapshots.pattern",
  "snapshots.schedule",
  "snapshots.schedule.stopped",
  "snapshots.undo",
];

export function ProfileForm({ profile, project }: { profile: Profile; project: string }) {
  const { name, description, config, devices } = profile;
  const { draft, set, isChanged, reset } = useDraft({ description, config, devices });
  const changes = changedPairs(config, draft.config);
  const isOnlyConfig =
    changes.length > 0 &&
    draft.description === description &&
    JSON.stringify(draft.devices) === JSON.stringify(devices);
  return (
    <SavedForm
      action={{
        title: texts.editors.saveTitle(words.what(name)),
        done: texts.editors.saved(words.what(name)),
        run: () => putProfile(name, project, draft),
      }}
      command={
        isOnlyConfig
          ? settingCommands(project, ["profile"], [name], changes)
          : `${holdfast(project, "profile", "edit", name)} < ${name}.yaml`
      }
      isChanged={isChanged}
      onReset={reset}
    >
      <TextField label={texts.description} value={draft.description} onChange={(value) => set({ description: value })} />
      <h2 className="p-heading--4">{words.settings}</h2>
      <SettingsEditor settings={draft.config} onChange={(value) => set({ config: value })} suggestions={SUGGESTIONS} />
      <h2 className="p-heading--4">{words.devices}</h2>
      <DevicesEditor devices={draft.devices} onChange={(value) => set({ devices: value })} />
    </SavedForm>
  );
}
