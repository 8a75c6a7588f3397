// What can be done with a snapshot, as a menu.
import { changeSnapshot, type Snapshot } from "../../../api/resources/snapshots";
import type { MenuAction } from "../../../components/action-menu";
import { holdfast } from "../../../components/command";
import { runDirectly } from "../../../components/run-action";
import { texts } from "../../../text";

const words = texts.snapshots;

export type SnapshotVerb = "restore" | "files" | "compare" | "edit" | "instance" | "image" | "export" | "remove";

/** Hold or release at once. */
function setHeld(instance: string, project: string, snapshot: string, isHeld: boolean): void {
  void runDirectly({
    title: isHeld ? words.hold.hold(snapshot) : words.hold.release(snapshot),
    done: isHeld ? words.hold.held(snapshot) : words.hold.released(snapshot),
    run: () => changeSnapshot(instance, snapshot, project, { held: isHeld }),
  });
}

export function menuOfSnapshot(
  instance: string,
  project: string,
  snapshot: Snapshot,
  act: (verb: SnapshotVerb) => void,
): MenuAction[] {
  const path = `${instance}/${snapshot.name}`;
  const entry = (verb: SnapshotVerb, command?: string): MenuAction => ({
    label: words.menu[verb],
    onSelect: () => act(verb),
    ...(command === undefined ? {} : { command }),
  });
  const hold = snapshot.held ? "release" : "hold";
  return [
    entry("restore", holdfast(project, "restore", instance, snapshot.name)),
    entry("files", holdfast(project, "file", "list", `${path}/`)),
    entry("compare", holdfast(project, "snapshot", "diff", path)),
    entry("edit", holdfast(project, "config", "edit", path)),
    {
      label: words.menu[hold],
      command: holdfast(project, "snapshot", hold, path),
      onSelect: () => setHeld(instance, project, snapshot.name, !snapshot.held),
    },
    entry("instance", holdfast(project, "copy", path, "NAME")),
    entry("image", holdfast(project, "publish", path)),
    entry("export", holdfast(project, "export", instance, "--snapshot", snapshot.name)),
    { ...entry("remove", holdfast(project, "delete", path)), isDangerous: true, disabled: snapshot.held, reason: words.hold.first },
  ];
}
