// A new instance from a snapshot of another one; also opened from the snapshots of an instance.
import { useState } from "react";
import { useNavigate } from "react-router-dom";
import { finished } from "../../api/operations";
import { createInstance, setPower, useInstances } from "../../api/resources/instances";
import { useSafety } from "../../api/resources/safety";
import { usePools } from "../../api/resources/server";
import { useSnapshots } from "../../api/resources/snapshots";
import { ActionDialog } from "../../components/action-dialog";
import { holdfast } from "../../components/command";
import { CheckField, SelectField, TextField } from "../../components/fields";
import { instanceAddress } from "../../components/project";
import { texts } from "../../text";
import type { CreateProps } from "./create-from-image";
import { isInstanceName } from "./instance-name";

const words = texts.instances.createSnapshot;

interface CreateFromSnapshotProps extends CreateProps {
  /** Given when it is clear already what of. */
  instance?: string;
  snapshot?: string;
}

export function CreateFromSnapshot(props: CreateFromSnapshotProps) {
  const { project, onClose } = props;
  const instances = useInstances(project);
  const [chosen, setChosen] = useState(props.instance ?? "");
  const safeties = useSafety(project);
  const counts = new Map(safeties.data?.map((each) => [each.name, each.snapshots]));
  const sources = (instances.data ?? []).map((each) => each.name).filter((each) => counts.get(each) !== 0);
  const instance = chosen === "" ? (sources[0] ?? "") : chosen;
  const snapshots = useSnapshots(instance, project, instance !== "");
  const [chosenSnapshot, setSnapshot] = useState(props.snapshot ?? "");
  const names = (snapshots.data ?? []).map((each) => each.name).reverse();
  const snapshot = names.includes(chosenSnapshot) ? chosenSnapshot : (names[0] ?? "");
  const [name, setName] = useState("");
  const [isStarted, setStarted] = useState(true);
  const [pool, setPool] = useState("");
  const pools = usePools();
  const navigate = useNavigate();
  const run = async () => {
    const source = { type: "copy", source: `${instance}/${snapshot}`, project };
    const devices: Record<string, Record<string, string>> = pool === "" ? {} : { root: { type: "disk", path: "/", pool } };
    await finished(await createInstance({ name, source, devices, profiles: null }, project));
    return isStarted ? setPower(name, project, "start") : undefined;
  };
  const isNameFine = isInstanceName(name);
  const copy = holdfast(project, "copy", `${instance || "INSTANCE"}/${snapshot || "SNAPSHOT"}`, name || "NAME", ...(pool === "" ? [] : ["-s", pool]));
  return (
    <ActionDialog
      action={{ title: words.title, done: words.done(name), run }}
      command={isStarted ? [copy, holdfast(project, "start", name || "NAME")] : copy}
      submit={words.submit}
      isReady={isNameFine && snapshot !== ""}
      onClose={onClose}
      onDone={() => navigate(instanceAddress(name, project))}
    >
      {props.instance === undefined && (
        <SelectField
          label={words.instance}
          value={instance}
          onChange={setChosen}
          choices={sources.map((each) => ({ value: each, label: each }))}
          error={safeties.isSuccess && sources.length === 0 ? words.noneHasSnapshots : undefined}
        />
      )}
      <SelectField
        label={words.snapshot}
        value={snapshot}
        onChange={setSnapshot}
        choices={names.map((each) => ({ value: each, label: each }))}
        error={snapshots.isSuccess && names.length === 0 ? words.noSnapshots : undefined}
      />
      <TextField
        label={words.name}
        value={name}
        onChange={setName}
        autoComplete="off"
        error={isNameFine || name === "" ? undefined : texts.instances.createImage.badName}
        help={words.stateless}
      />
      <SelectField
        label={texts.pool}
        value={pool}
        onChange={setPool}
        choices={[
          { value: "", label: words.samePool },
          ...(pools.data ?? []).map((each) => ({ value: each.name, label: `${each.name} (${each.driver})` })),
        ]}
      />
      <CheckField label={words.start} isChecked={isStarted} onChange={setStarted} />
    </ActionDialog>
  );
}
