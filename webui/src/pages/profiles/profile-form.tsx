// The parts of a profile's form: snapshots, all settings, devices.
import { putProfile, type Profile } from "../../api/resources/profiles";
import { holdfast } from "../../components/command";
import { applied } from "../../components/config/applied";
import { ConfigSection } from "../../components/config/config-section";
import { SnapshotSettings } from "../../components/config/snapshot-settings";
import { DescriptionForm } from "../../components/description-form";
import { DevicesEditor } from "../../components/devices-editor";
import { useDraft } from "../../components/draft";
import { SavedForm } from "../../components/saved-form";
import { texts } from "../../text";

const words = texts.profiles;

interface ProfileFormProps {
  profile: Profile;
  project: string;
}

function sectionOf({ profile, project }: ProfileFormProps) {
  const { name, description, config, devices } = profile;
  return {
    name,
    scope: "instance",
    config,
    save: (changes: Record<string, string>) =>
      putProfile(name, project, { description, devices, config: applied(config, changes) }),
    command: (...rest: string[]) => holdfast(project, "profile", ...rest),
    subject: [name],
  };
}

/** The command that takes all of a profile from a file. */
export const editCommand = (name: string, project: string): string =>
  `${holdfast(project, "profile", "edit", name)} < ${name}.yaml`;

export function ProfileSnapshots(props: ProfileFormProps) {
  return (
    <ConfigSection {...sectionOf(props)}>
      {(draft) => <SnapshotSettings draft={draft} names={Object.keys(props.profile.config)} project={props.project} />}
    </ConfigSection>
  );
}

export function ProfileSettings(props: ProfileFormProps) {
  const { profile, project } = props;
  const { name, config, devices } = profile;
  return (
    <>
      <DescriptionForm
        what={words.what(name)}
        description={profile.description}
        command={editCommand(name, project)}
        save={(description) => putProfile(name, project, { description, config, devices })}
      />
      <ConfigSection {...sectionOf(props)} />
    </>
  );
}

export function ProfileDevices({ profile, project }: ProfileFormProps) {
  const { name, description, config } = profile;
  const { draft, set, isChanged, reset } = useDraft({ devices: profile.devices });
  return (
    <SavedForm
      action={{
        title: texts.editors.saveTitle(words.what(name)),
        done: texts.editors.saved(words.what(name)),
        run: () => putProfile(name, project, { description, config, devices: draft.devices }),
      }}
      command={editCommand(name, project)}
      isChanged={isChanged}
      onReset={reset}
    >
      <DevicesEditor devices={draft.devices} onChange={(devices) => set({ devices })} />
    </SavedForm>
  );
}
