// Copies an instance on this server, or brings such a copy up to date.
import { useState } from "react";
import { createInstance, useInstances } from "../../../api/resources/instances";
import { usePools } from "../../../api/resources/server";
import { ActionDialog } from "../../../components/action-dialog";
import { holdfast } from "../../../components/command";
import { CheckField, SelectField, TextField } from "../../../components/fields";
import { texts } from "../../../text";
import { isInstanceName } from "../../instances/instance-name";
import type { InstanceDialogProps } from "../../instances/instance-dialogs";

const words = texts.instance.copies;

export function CopyHere({ instance, onClose }: InstanceDialogProps) {
  const { name: source, project } = instance;
  const [name, setName] = useState(`${source}-copy`);
  const [pool, setPool] = useState("");
  const [withSnapshots, setWithSnapshots] = useState(true);
  const [isPruned, setIsPruned] = useState(false);
  const pools = usePools();
  const others = useInstances(project);
  const isRefresh = others.data?.some((each) => each.name === name) ?? false;
  const prunes = isRefresh && withSnapshots && isPruned;
  const root: Record<string, Record<string, string>> =
    pool === "" || isRefresh ? {} : { root: { type: "disk", path: "/", pool } };
  const run = () =>
    createInstance(
      {
        name,
        devices: root,
        profiles: instance.profiles,
        source: {
          type: "copy",
          source,
          project,
          refresh: isRefresh,
          keep_snapshots: isRefresh && !prunes,
          instance_only: !withSnapshots,
        },
      },
      project,
    );
  const isNameFine = isInstanceName(name) && name !== source;
  return (
    <ActionDialog
      action={{ title: words.copyTitle(source), done: words.copied(name), run }}
      command={holdfast(
        project,
        "copy",
        source,
        name,
        ...(pool === "" || isRefresh ? [] : ["-s", pool]),
        !withSnapshots && "--instance-only",
        isRefresh && "--refresh",
        prunes && "--prune-snapshots",
      )}
      submit={words.copySubmit}
      isReady={isNameFine}
      isDangerous={isRefresh}
      onClose={onClose}
    >
      <TextField
        label={words.copyName}
        value={name}
        onChange={setName}
        autoComplete="off"
        error={isNameFine ? undefined : texts.instances.createImage.badName}
        help={isRefresh ? `${words.copyRefresh}. ${words.copyRefreshHelp}` : undefined}
      />
      <SelectField
        label={words.copyPool}
        value={pool}
        disabled={isRefresh}
        onChange={setPool}
        choices={[
          { value: "", label: words.copySamePool },
          ...(pools.data ?? []).map((each) => ({ value: each.name, label: `${each.name} (${each.driver})` })),
        ]}
      />
      <CheckField label={words.copySnapshots} isChecked={withSnapshots} onChange={setWithSnapshots} />
      {isRefresh && withSnapshots && (
        <CheckField label={words.copyPrune} isChecked={isPruned} onChange={setIsPruned} />
      )}
    </ActionDialog>
  );
}
