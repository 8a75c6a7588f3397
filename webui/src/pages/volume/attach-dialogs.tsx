// Attaches a volume to an instance or a profile, and detaches it.
import { useState } from "react";
import { useInstances } from "../../api/resources/instances";
import { useProfiles } from "../../api/resources/server";
import { volumePath } from "../../api/resources/volumes";
import { ActionDialog } from "../../components/action-dialog";
import { holdfast } from "../../components/command";
import { ConfirmDialog } from "../../components/confirm-dialog";
import { SelectField, TextField } from "../../components/fields";
import { texts } from "../../text";
import { attach, detach, targetOf, type Kind } from "./attachments";
import type { VolumeTabProps } from "./volume-page";

const words = texts.volumes.attach;
const VERBS = {
  instance: { attach: "attach", detach: "detach" },
  profile: { attach: "attach-profile", detach: "detach-profile" },
};

type Props = VolumeTabProps & { onClose: () => void };

export function AttachVolume({ volume, onClose }: Props) {
  const instances = useInstances(volume.project);
  const profiles = useProfiles(volume.project);
  const [kind, setKind] = useState<Kind>("instance");
  const [chosen, setChosen] = useState("");
  const [path, setPath] = useState("");
  const [device, setDevice] = useState(volume.name);
  const names = ((kind === "instance" ? instances.data : profiles.data) ?? []).map((each) => each.name);
  const name = names.includes(chosen) ? chosen : (names[0] ?? "");
  const isPathFine = path.startsWith("/") && path !== "/";
  return (
    <ActionDialog
      action={{
        title: words.title(volume.name),
        done: words.done(volume.name, name),
        run: () => attach(volume, { kind, name }, device, path),
        touches: [volumePath(volume)],
      }}
      command={holdfast(
        volume.project,
        "storage",
        "volume",
        VERBS[kind].attach,
        volume.pool,
        volume.name,
        name || "NAME",
        device !== volume.name && device,
        path || "PATH",
      )}
      submit={words.submit}
      isReady={name !== "" && isPathFine && device !== ""}
      onClose={onClose}
    >
      <div className="field-row">
        <SelectField
          label={words.to}
          value={kind}
          onChange={(value) => setKind(value as Kind)}
          choices={[
            { value: "instance", label: words.instance },
            { value: "profile", label: words.profile },
          ]}
        />
        <SelectField
          label={kind === "instance" ? words.instance : words.profile}
          value={name}
          onChange={setChosen}
          choices={names.map((each) => ({ value: each, label: each }))}
        />
      </div>
      <TextField
        label={words.path}
        help={words.pathHelp}
        value={path}
        onChange={setPath}
        autoComplete="off"
        error={isPathFine || path === "" ? undefined : words.badPath}
      />
      <TextField label={words.device} value={device} onChange={setDevice} autoComplete="off" />
    </ActionDialog>
  );
}

export function DetachVolume({ volume, url, onClose }: Props & { url: string }) {
  const target = targetOf(url);
  return (
    <ConfirmDialog
      action={{
        title: words.detachTitle(volume.name, target.name),
        done: words.detached(volume.name, target.name),
        run: () => detach(volume, target, words.noDevice),
        touches: [volumePath(volume)],
      }}
      command={holdfast(
        volume.project,
        "storage",
        "volume",
        VERBS[target.kind].detach,
        volume.pool,
        volume.name,
        target.name,
      )}
      submit={words.detachSubmit}
      onClose={onClose}
    >
      <p>{words.detachIntro}</p>
    </ConfirmDialog>
  );
}
