// Start, stop and delete for several instances at once.
import { useState } from "react";
import { finished } from "../../api/operations";
import { deleteInstance, setPower, type Instance } from "../../api/resources/instances";
import { holdfast, type Word } from "../../components/command";
import { WithCommand } from "../../components/command-line";
import { ConfirmDialog } from "../../components/confirm-dialog";
import { runDirectly } from "../../components/run-action";
import { texts } from "../../text";

const words = texts.instances.bulk;

/** Do it for each, all at a time as the server allows; raise the first thing that went wrong, after all are through. */
async function forEach(instances: Instance[], act: (instance: Instance) => Promise<unknown>): Promise<void> {
  const results = await Promise.allSettled(instances.map(act));
  const failures = results.filter((result) => result.status === "rejected").map((result) => result.reason as Error);
  if (failures.length > 0) throw new Error(failures.map((failure) => failure.message).join("\n"));
}

async function setPowerOfEach(instances: Instance[], action: "start" | "stop"): Promise<void> {
  await forEach(instances, async ({ name, project }) => finished(await setPower(name, project, action)));
}

async function deleteEach(instances: Instance[]): Promise<void> {
  await forEach(instances, async ({ name, project, status }) => {
    if (status !== "Stopped") await finished(await setPower(name, project, "stop", { force: true }));
    await finished(await deleteInstance(name, project));
  });
}

interface BulkActionsProps {
  instances: Instance[];
  onDone: () => void;
}

export function BulkActions({ instances, onDone }: BulkActionsProps) {
  const [isDeleting, setDeleting] = useState(false);
  if (instances.length === 0) return null;
  const count = instances.length;
  const stopped = instances.filter((instance) => instance.status === "Stopped");
  const running = instances.filter((instance) => instance.status === "Running");
  const power = (action: "start" | "stop", which: Instance[]) =>
    void runDirectly({
      title: action === "start" ? words.startTitle(which.length) : words.stopTitle(which.length),
      done: words.done(which.length),
      run: () => setPowerOfEach(which, action),
    });
  return (
    <div className="bulk" role="group" aria-label={texts.table.selected(count)}>
      <span>{texts.table.selected(count)}</span>
      <PowerButton action="start" instances={stopped} onClick={() => power("start", stopped)} />
      <PowerButton action="stop" instances={running} onClick={() => power("stop", running)} />
      <button type="button" className="p-button" onClick={() => setDeleting(true)}>
        {words.remove}
      </button>
      {isDeleting && (
        <DeleteSeveral instances={instances} onClose={() => setDeleting(false)} onDone={onDone} />
      )}
    </div>
  );
}

interface PowerButtonProps {
  action: "start" | "stop";
  instances: Instance[];
  onClick: () => void;
}

function PowerButton({ action, instances, onClick }: PowerButtonProps) {
  const button = (
    <button type="button" className="p-button" disabled={instances.length === 0} onClick={onClick}>
      {words[action]}
    </button>
  );
  if (instances.length === 0) return button;
  return <WithCommand command={commandsFor(instances, action).join(" && ")}>{button}</WithCommand>;
}

/** One command for each project. */
function commandsFor(instances: Instance[], ...words: Word[]): string[] {
  const projects = [...new Set(instances.map((instance) => instance.project))];
  return projects.map((project) => {
    const names = instances.filter((instance) => instance.project === project).map((instance) => instance.name);
    return holdfast(project, ...words, ...names);
  });
}

function DeleteSeveral({ instances, onClose, onDone }: BulkActionsProps & { onClose: () => void }) {
  const isAnyRunning = instances.some((instance) => instance.status !== "Stopped");
  return (
    <ConfirmDialog
      action={{
        title: words.removeTitle(instances.length),
        done: words.done(instances.length),
        run: () => deleteEach(instances),
      }}
      command={commandsFor(instances, "delete", isAnyRunning && "--force")}
      submit={texts.instances.remove.submit}
      typed={words.typed}
      losses={instances.map((instance) => instance.name)}
      onClose={onClose}
      onDone={onDone}
    >
      <p>{words.removeIntro}</p>
    </ConfirmDialog>
  );
}
