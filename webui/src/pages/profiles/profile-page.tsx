// One profile: as a form, as YAML, and who has it.
import { useState } from "react";
import { Route, Routes, useNavigate, useParams } from "react-router-dom";
import { ApiError } from "../../api/client";
import { putProfile, useProfile, type Profile } from "../../api/resources/profiles";
import { ActionMenu } from "../../components/action-menu";
import { YamlEditor } from "../../components/config/yaml-editor";
import { Loaded } from "../../components/loaded";
import { NotFound } from "../../components/not-found";
import { Page } from "../../components/page";
import { inProject, useProject } from "../../components/project";
import { Tabs } from "../../components/tabs";
import { UsedBy } from "../../components/used-by";
import { texts } from "../../text";
import { DeleteProfile, RenameProfile } from "./profile-dialogs";
import { editCommand, ProfileDevices, ProfileSettings, ProfileSnapshots } from "./profile-form";
import { profileAddress } from "./profiles-page";

const words = texts.profiles;

export function ProfilePage() {
  const { name = "" } = useParams();
  const project = useProject();
  const profile = useProfile(name, project);
  if (profile.error instanceof ApiError && profile.error.status === 404) {
    return (
      <Page title={name}>
        <p>{words.gone(name)}</p>
      </Page>
    );
  }
  return <Loaded query={profile}>{(found) => <ProfileFrame key={name} profile={found} project={project} />}</Loaded>;
}

function ProfileFrame({ profile, project }: { profile: Profile; project: string }) {
  const navigate = useNavigate();
  const [verb, setVerb] = useState<"rename" | "remove">();
  const { name } = profile;
  const go = (newName?: string) =>
    navigate(newName === undefined ? inProject("/profiles", project) : profileAddress(newName, project), {
      replace: true,
    });
  const dialog = { profile, project, onClose: () => setVerb(undefined), onDone: go };
  return (
    <Page
      title={name}
      actions={
        <ActionMenu
          label={texts.actions}
          actions={[
            { label: words.renameAction, disabled: name === "default", onSelect: () => setVerb("rename") },
            { label: words.remove, isDangerous: true, disabled: name === "default", onSelect: () => setVerb("remove") },
          ]}
        />
      }
    >
      <Tabs
        label={words.tabs.label(name)}
        tabs={[
          { label: words.tabs.snapshots, to: profileAddress(name, project), isExact: true },
          { label: words.tabs.settings, to: profileAddress(name, project, "settings") },
          { label: words.tabs.devices, to: profileAddress(name, project, "devices") },
          { label: words.tabs.yaml, to: profileAddress(name, project, "yaml") },
          { label: words.tabs.usedBy, to: profileAddress(name, project, "used-by") },
        ]}
      />
      <Routes>
        <Route index element={<ProfileSnapshots profile={profile} project={project} />} />
        <Route path="settings" element={<ProfileSettings profile={profile} project={project} />} />
        <Route path="devices" element={<ProfileDevices profile={profile} project={project} />} />
        <Route
          path="yaml"
          element={
            <YamlEditor
              name={name}
              value={{ description: profile.description, config: profile.config, devices: profile.devices }}
              command={editCommand(name, project)}
              save={(document) => putProfile(name, project, document)}
            />
          }
        />
        <Route path="used-by" element={<UsedBy urls={profile.used_by} nobody={words.nobody} />} />
        <Route path="*" element={<NotFound />} />
      </Routes>
      {verb === "rename" && <RenameProfile {...dialog} />}
      {verb === "remove" && <DeleteProfile {...dialog} />}
    </Page>
  );
}
