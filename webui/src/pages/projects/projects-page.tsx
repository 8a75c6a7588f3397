// Projects: the list, and the page of one.
import { useMemo, useState } from "react";
import { Link, Route, Routes, useNavigate } from "react-router-dom";
import { useProjects, type Project } from "../../api/resources/projects";
import { Absent } from "../../components/absent";
import { ActionMenu, type MenuAction } from "../../components/action-menu";
import { CommandLine } from "../../components/command-line";
import { holdfast } from "../../components/command";
import { DataTable, type Column } from "../../components/data-table";
import { useFullAccess } from "../../components/full-access";
import { Loaded } from "../../components/loaded";
import { Page } from "../../components/page";
import { DEFAULT_PROJECT, useProjectFilter } from "../../components/project";
import { SearchBox } from "../../components/search-box";
import { texts } from "../../text";
import { CreateProject } from "./project-dialogs";
import { countsOf, ownOf, projectAddress } from "./project-facts";
import { ProjectPage } from "./project-page";
import { useProjectActions } from "./use-project-actions";

const words = texts.projects;

export default function ProjectsPage() {
  return (
    <Routes>
      <Route index element={<ProjectList />} />
      <Route path=":name/*" element={<ProjectPage />} />
    </Routes>
  );
}

function ProjectList() {
  const projects = useProjects();
  const chosen = useProjectFilter();
  const isFull = useFullAccess();
  const navigate = useNavigate();
  const [isCreating, setCreating] = useState(false);
  const [wanted, setWanted] = useState("");
  const { actionsOf, dialog } = useProjectActions();
  const columns = useMemo(
    () => projectColumns(chosen, actionsOf),
    // The actions are the same for each drawing but for what one may do.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [chosen, isFull],
  );
  const matches = ({ name, description }: Project) =>
    `${name} ${description}`.toLowerCase().includes(wanted.trim().toLowerCase());
  return (
    <Page
      title={words.title}
      actions={
        isFull && (
          <button type="button" className="p-button--positive" onClick={() => setCreating(true)}>
            {words.create}
          </button>
        )
      }
    >
      <p className="page-description">{words.help}</p>
      <div className="toolbar" role="search">
        <SearchBox label={words.searchLabel} value={wanted} onChange={setWanted} />
      </div>
      <Loaded query={projects}>
        {(all) => (
          <DataTable
            caption={words.title}
            columns={columns}
            rows={all.filter(matches)}
            rowKey={(project) => project.name}
            sortedBy="name"
            empty={all.length === 0 ? words.empty : texts.table.noMatch}
          />
        )}
      </Loaded>
      <CommandLine command={holdfast(DEFAULT_PROJECT, "project", "list")} />
      {isCreating && (
        <CreateProject
          onClose={() => setCreating(false)}
          onDone={(name) => navigate(projectAddress(name, chosen))}
        />
      )}
      {dialog}
    </Page>
  );
}

function projectColumns(
  chosen: string | undefined,
  actionsOf: (project: Project) => MenuAction[],
): Column<Project>[] {
  return [
    {
      key: "name",
      title: texts.name,
      isHeader: true,
      cell: ({ name }) => <Link to={projectAddress(name, chosen)}>{name}</Link>,
      sort: ({ name }) => name,
    },
    { key: "description", title: texts.description, cell: ({ description }) => description || <Absent /> },
    {
      key: "content",
      title: words.content,
      cell: (project) => countsOf(project) || <Absent />,
      sort: ({ used_by }) => used_by.length,
    },
    { key: "own", title: words.own, className: "schedule-cell", cell: (project) => ownOf(project) || <Absent /> },
    {
      key: "actions",
      title: texts.actions,
      isTitleHidden: true,
      className: "button-cell",
      cell: (project) => (
        <ActionMenu
          label="⋯"
          ariaLabel={words.actionsOf(project.name)}
          className="p-button--base icon-button"
          actions={actionsOf(project)}
        />
      ),
    },
  ];
}
