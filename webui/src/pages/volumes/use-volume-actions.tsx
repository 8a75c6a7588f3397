// What can be done with one volume, for menus, together with the dialogs that it opens.
import { useState, type ReactNode } from "react";
import type { Volume } from "../../api/resources/volumes";
import type { MenuAction } from "../../components/action-menu";
import { inProject, volumeAddress } from "../../components/project";
import { texts } from "../../text";
import { CopyVolume } from "./copy-volume";
import { DeleteVolume, MoveVolume } from "./volume-dialogs";

const words = texts.volumes;

type Verb = "copy" | "move" | "remove";

interface VolumeActions {
  actionsOf: (volume: Volume) => MenuAction[];
  /** To be placed once in the page. */
  dialog: ReactNode;
}

/** `go` is called with the address to be at when a volume is elsewhere or gone; without it one stays. */
export function useVolumeActions(go: (address: string) => void, isOfOne = false): VolumeActions {
  const [shown, setShown] = useState<{ verb: Verb; volume: Volume }>();
  const close = () => setShown(undefined);
  const show = (verb: Verb, volume: Volume) => () => setShown({ verb, volume });
  const actionsOf = (volume: Volume): MenuAction[] => [
    { label: words.createCopy.copy, onSelect: show("copy", volume) },
    { label: words.rename.action, onSelect: show("move", volume) },
    { label: words.remove.action, isDangerous: true, onSelect: show("remove", volume) },
  ];
  const dialog = (): ReactNode => {
    if (shown === undefined) return null;
    const { verb, volume } = shown;
    if (verb === "copy") return <CopyVolume project={volume.project} choices={[volume]} onClose={close} />;
    if (verb === "move") {
      const moved = (pool: string, name: string) => isOfOne && go(volumeAddress(pool, name, volume.project));
      return <MoveVolume volume={volume} onClose={close} onDone={moved} />;
    }
    const gone = () => isOfOne && go(inProject("/volumes", volume.project));
    return <DeleteVolume volume={volume} onClose={close} onDone={gone} />;
  };
  return { actionsOf, dialog: dialog() };
}
