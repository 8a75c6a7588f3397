// Dialogs of projects: create, rename, delete.
import { useState } from "react";
import { createProject, deleteProject, renameProject, type Project } from "../../api/resources/projects";
import { ActionDialog } from "../../components/action-dialog";
import { holdfast } from "../../components/command";
import { ConfirmDialog } from "../../components/confirm-dialog";
import { entityOf } from "../../components/entity-link";
import { CheckField, TextField } from "../../components/fields";
import { DEFAULT_PROJECT } from "../../components/project";
import { texts } from "../../text";
import { contentOf, FEATURES } from "./project-facts";

const words = texts.projects;
const isProjectName = (name: string): boolean => /^[^\s/_*]{1,63}$/.test(name) && name !== "." && name !== "..";

interface CreateProjectProps {
  onClose: () => void;
  onDone: (name: string) => void;
}

export function CreateProject({ onClose, onDone }: CreateProjectProps) {
  const [name, setName] = useState("");
  const [shared, setShared] = useState<ReadonlySet<string>>(new Set());
  const config = Object.fromEntries(FEATURES.filter((each) => shared.has(each)).map((each) => [each, "false"]));
  const isNameFine = isProjectName(name);
  const setOwn = (feature: string, isOwn: boolean) => {
    const next = new Set(shared);
    if (isOwn) next.delete(feature);
    else next.add(feature);
    setShared(next);
  };
  return (
    <ActionDialog
      action={{ title: words.createTitle, done: words.created(name), run: () => createProject({ name, description: "", config }) }}
      command={holdfast(
        DEFAULT_PROJECT,
        "project",
        "create",
        name || "NAME",
        ...Object.entries(config).flatMap(([key, value]) => ["-c", `${key}=${value}`]),
      )}
      submit={texts.create}
      isReady={isNameFine}
      onClose={onClose}
      onDone={() => onDone(name)}
    >
      <TextField
        label={texts.name}
        value={name}
        onChange={setName}
        autoComplete="off"
        error={isNameFine || name === "" ? undefined : words.badName}
      />
      {FEATURES.map((feature) => (
        <CheckField
          key={feature}
          label={words.features[feature]}
          isChecked={!shared.has(feature)}
          onChange={(isOwn) => setOwn(feature, isOwn)}
        />
      ))}
      <p className="p-form-help-text">{words.featuresHelp}</p>
    </ActionDialog>
  );
}

interface ProjectDialogProps {
  project: Project;
  onClose: () => void;
  /** With the new name, or undefined when it is gone. */
  onDone?: (name?: string) => void;
}

export function RenameProject({ project, onClose, onDone }: ProjectDialogProps) {
  const [name, setName] = useState(project.name);
  const isNameFine = isProjectName(name);
  return (
    <ActionDialog
      action={{
        title: words.renameTitle(project.name),
        done: words.renamed(name),
        run: () => renameProject(project.name, name),
      }}
      command={holdfast(DEFAULT_PROJECT, "project", "rename", project.name, name)}
      submit={texts.rename}
      isReady={isNameFine && name !== project.name}
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

/** Names what must go first; an empty one goes when its name was typed. */
export function DeleteProject({ project, onClose, onDone }: ProjectDialogProps) {
  const { name } = project;
  const content = contentOf(project);
  return (
    <ConfirmDialog
      action={{ title: words.removeTitle(name), done: words.removed(name), run: () => deleteProject(name) }}
      command={holdfast(DEFAULT_PROJECT, "project", "delete", name)}
      submit={texts.delete}
      losses={content.map((url) => entityOf(url).name)}
      typed={content.length === 0 ? name : undefined}
      isReady={content.length === 0}
      onClose={onClose}
      onDone={() => onDone?.()}
    >
      <p className={content.length === 0 ? "" : "is-bad"}>{content.length === 0 ? words.removeIntro : words.removeFirst}</p>
    </ConfirmDialog>
  );
}
