// What can be done with a project, as a menu, and the dialogs for it.
import { useState, type ReactNode } from "react";
import { useNavigate } from "react-router-dom";
import type { Project } from "../../api/resources/projects";
import type { MenuAction } from "../../components/action-menu";
import { holdfast } from "../../components/command";
import { useFullAccess } from "../../components/full-access";
import { inProject } from "../../components/project";
import { texts } from "../../text";
import { DeleteProject, RenameProject } from "./project-dialogs";
import { contentOf, isDefault } from "./project-facts";

const words = texts.projects;

interface ProjectActions {
  actionsOf: (project: Project) => MenuAction[];
  dialog: ReactNode;
}

/** `onDone` gets the new name, or undefined when the project is gone. */
export function useProjectActions(onDone?: (name?: string) => void): ProjectActions {
  const isFull = useFullAccess();
  const navigate = useNavigate();
  const [shown, setShown] = useState<{ verb: "rename" | "remove"; project: Project }>();
  const actionsOf = (project: Project): MenuAction[] => {
    const going: MenuAction = {
      label: words.goTo,
      command: holdfast(project.name, "list"),
      onSelect: () => navigate(inProject("/instances", project.name)),
    };
    if (!isFull) return [going];
    const isFilled = contentOf(project).length > 0;
    return [
      going,
      {
        label: words.renameAction,
        disabled: isDefault(project) || isFilled,
        reason: isDefault(project) ? words.isDefault : words.notEmpty,
        onSelect: () => setShown({ verb: "rename", project }),
      },
      {
        label: words.remove,
        isDangerous: true,
        disabled: isDefault(project),
        reason: words.isDefault,
        onSelect: () => setShown({ verb: "remove", project }),
      },
    ];
  };
  const Dialog = shown?.verb === "rename" ? RenameProject : DeleteProject;
  const dialog = shown !== undefined && (
    <Dialog
      project={shown.project}
      onClose={() => setShown(undefined)}
      {...(onDone === undefined ? {} : { onDone })}
    />
  );
  return { actionsOf, dialog };
}
