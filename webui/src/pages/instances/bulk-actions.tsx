// Start, stop and delete for several instances at once.
import { useState } from "react";
import { finished } from "../../api/operations";
import { deleteInstance, setPower, type Instance } from "../../api/resources/instances";
import { holdfast } from "../../components/command";
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
      <button type="button" className="p-button" disabled={stopped.length === 0} onClick={() => power("start", stopped)}>
        {words.start}
      </button>
      <button type="button" className="p-button" disabled={running.length === 0} onClick={() => power("stop", running)}>
        {words.stop}
      </button>
      <button type="button" className="p-button" onClick={() => setDeleting(true)}>
        {words.remove}
      </button>
      {isDeleting && (
        <DeleteSeveral instances={instances} onClose={() => setDeleting(false)} onDone={onDone} />
      )}
    </div>
  );
}

function DeleteSeveral({ instances, onClose, onDone }: BulkActionsProps & { onClose: () => void }) {
  const isAnyRunning = instances.some((instance) => instance.status !== "Stopped");
  const projects = [...new Set(instances.map((instance) => instance.project))];
  const commands = projects.map((project) => {
    const names = instances.filter((instance) => instance.project === project).map((instance) => instance.name);
    return holdfast(project, "delete", isAnyRunning && "--force", ...names);
  });
  return (
    <ConfirmDialog
      action={{
        title: words.removeTitle(instances.length),
        done: words.done(instances.length),
        run: () => deleteEach(instances),
      }}
      command={commands}
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
