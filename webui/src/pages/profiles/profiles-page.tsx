// Profiles: the list, and the page of one.
import { useMemo, useState } from "react";
import { Link, Route, Routes } from "react-router-dom";
import { useProfiles } from "../../api/resources/server";
import type { Profile } from "../../api/resources/profiles";
import { Absent } from "../../components/absent";
import { ActionMenu } from "../../components/action-menu";
import { CommandLine } from "../../components/command-line";
import { holdfast } from "../../components/command";
import { DataTable, type Column } from "../../components/data-table";
import { Loaded } from "../../components/loaded";
import { Page } from "../../components/page";
import { inProject, useProject } from "../../components/project";
import { SearchBox } from "../../components/search-box";
import { texts } from "../../text";
import { CreateProfile, DeleteProfile, RenameProfile } from "./profile-dialogs";
import { ProfilePage } from "./profile-page";

const words = texts.profiles;

export function profileAddress(name: string, project: string, tab = ""): string {
  const path = `/profiles/${encodeURIComponent(name)}`;
  return inProject(tab === "" ? path : `${path}/${tab}`, project);
}

export default function ProfilesPage() {
  return (
    <Routes>
      <Route index element={<ProfileList />} />
      <Route path=":name/*" element={<ProfilePage />} />
    </Routes>
  );
}

type Shown = { verb: "rename" | "remove"; profile: Profile };

function ProfileList() {
  const project = useProject();
  const profiles = useProfiles(project);
  const [isCreating, setCreating] = useState(false);
  const [wanted, setWanted] = useState("");
  const [shown, setShown] = useState<Shown>();
  const columns = useMemo(() => profileColumns(project, setShown), [project]);
  const close = () => setShown(undefined);
  const matches = ({ name, description }: Profile) =>
    `${name} ${description}`.toLowerCase().includes(wanted.trim().toLowerCase());
  return (
    <Page
      title={texts.pages.profiles}
      actions={
        <button type="button" className="p-button--positive" onClick={() => setCreating(true)}>
          {words.create}
        </button>
      }
    >
      <p className="page-description">{words.help}</p>
      <div className="toolbar" role="search">
        <SearchBox label={words.searchLabel} value={wanted} onChange={setWanted} />
      </div>
      <Loaded query={profiles}>
        {(all) => (
          <DataTable
            caption={texts.pages.profiles}
            columns={columns}
            rows={all.filter(matches)}
            rowKey={(profile) => profile.name}
            sortedBy="name"
            empty={all.length === 0 ? words.empty : texts.table.noMatch}
          />
        )}
      </Loaded>
      <CommandLine command={holdfast(project, "profile", "list")} />
      {isCreating && <CreateProfile project={project} onClose={() => setCreating(false)} />}
      {shown?.verb === "rename" && <RenameProfile profile={shown.profile} project={project} onClose={close} />}
      {shown?.verb === "remove" && <DeleteProfile profile={shown.profile} project={project} onClose={close} />}
    </Page>
  );
}

function profileColumns(project: string, show: (shown: Shown) => void): Column<Profile>[] {
  return [
    {
      key: "name",
      title: texts.name,
      isHeader: true,
      cell: (profile) => <Link to={profileAddress(profile.name, project)}>{profile.name}</Link>,
      sort: (profile) => profile.name,
    },
    { key: "description", title: texts.description, cell: (profile) => profile.description || <Absent /> },
    {
      key: "settings",
      title: words.settings,
      className: "number-cell",
      cell: (profile) => Object.keys(profile.config).length,
      sort: (profile) => Object.keys(profile.config).length,
    },
    {
      key: "devices",
      title: words.devices,
      cell: (profile) => Object.keys(profile.devices).sort().join(", ") || texts.none,
    },
    {
      key: "used",
      title: words.usedBy,
      cell: (profile) => words.count(profile.used_by.length),
      sort: (profile) => profile.used_by.length,
    },
    {
      key: "actions",
      title: texts.actions,
      isTitleHidden: true,
      className: "button-cell",
      cell: (profile) => (
        <ActionMenu
          label="⋯"
          ariaLabel={words.actionsOf(profile.name)}
          className="p-button--base icon-button"
          actions={[
            {
              label: words.renameAction,
              disabled: profile.name === "default",
              onSelect: () => show({ verb: "rename", profile }),
            },
            {
              label: words.remove,
              isDangerous: true,
              disabled: profile.name === "default",
              onSelect: () => show({ verb: "remove", profile }),
            },
          ]}
        />
      ),
    },
  ];
}
