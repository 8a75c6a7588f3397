// One project: what is in it, its settings as a form and as YAML.
import { Route, Routes, useNavigate, useParams } from "react-router-dom";
import { ApiError } from "../../api/client";
import { putProject, useProjectNamed, type Project } from "../../api/resources/projects";
import { ActionMenu } from "../../components/action-menu";
import { holdfast } from "../../components/command";
import { applied } from "../../components/config/applied";
import { ConfigSection } from "../../components/config/config-section";
import { YamlEditor } from "../../components/config/yaml-editor";
import { DescriptionForm } from "../../components/description-form";
import { FullAccess } from "../../components/full-access";
import { Loaded } from "../../components/loaded";
import { NotFound } from "../../components/not-found";
import { Page } from "../../components/page";
import { DEFAULT_PROJECT, inProject, useProjectFilter } from "../../components/project";
import { Tabs } from "../../components/tabs";
import { UsedBy } from "../../components/used-by";
import { texts } from "../../text";
import { projectAddress } from "./project-facts";
import { useProjectActions } from "./use-project-actions";

const words = texts.projects;

export function ProjectPage() {
  const { name = "" } = useParams();
  const project = useProjectNamed(name);
  if (project.error instanceof ApiError && project.error.status === 404) {
    return (
      <Page title={name}>
        <p>{words.gone(name)}</p>
      </Page>
    );
  }
  return <Loaded query={project}>{(found) => <ProjectFrame key={name} project={found} />}</Loaded>;
}

function ProjectFrame({ project }: { project: Project }) {
  const navigate = useNavigate();
  const chosen = useProjectFilter();
  const { name, description, config } = project;
  const { actionsOf, dialog } = useProjectActions((newName) => {
    // Who worked in it works in the default one from now on.
    const staying = chosen === name ? DEFAULT_PROJECT : chosen;
    const address = newName === undefined ? inProject("/projects", staying) : projectAddress(newName, staying);
    navigate(address, { replace: true });
  });
  return (
    <Page title={name} actions={<ActionMenu label={texts.actions} actions={actionsOf(project)} />}>
      {description !== "" && <p className="page-description">{description}</p>}
      <Tabs
        label={words.tabs.label(name)}
        tabs={[
          { label: words.tabs.content, to: projectAddress(name, chosen), isExact: true },
          { label: words.tabs.settings, to: projectAddress(name, chosen, "settings") },
          { label: words.tabs.yaml, to: projectAddress(name, chosen, "yaml") },
        ]}
      />
      <Routes>
        <Route index element={<UsedBy urls={project.used_by} nobody={words.nothing} />} />
        <Route path="settings" element={<ProjectSettings project={project} />} />
        <Route
          path="yaml"
          element={
            <FullAccess>
              <YamlEditor
                name={name}
                value={{ description, config }}
                command={editCommand(name)}
                save={(document) => putProject(name, document)}
              />
            </FullAccess>
          }
        />
        <Route path="*" element={<NotFound />} />
      </Routes>
      {dialog}
    </Page>
  );
}

/** The command that takes all of a project from a file. */
const editCommand = (name: string): string => `${holdfast(DEFAULT_PROJECT, "project", "edit", name)} < ${name}.yaml`;

function ProjectSettings({ project: { name, description, config } }: { project: Project }) {
  return (
    <FullAccess>
      <DescriptionForm
        what={words.what(name)}
        description={description}
        command={editCommand(name)}
        save={(text) => putProject(name, { description: text, config })}
      />
      <ConfigSection
        name={name}
        scope="project"
        config={config}
        save={(changes) => putProject(name, { description, config: applied(config, changes) })}
        command={(...rest) => holdfast(DEFAULT_PROJECT, "project", ...rest)}
        subject={[name]}
      />
    </FullAccess>
  );
}
