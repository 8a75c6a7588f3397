// A new storage pool.
import { useState } from "react";
import { createPool } from "../../api/resources/pools";
import { useServer } from "../../api/resources/server";
import { ActionDialog } from "../../components/action-dialog";
import { holdfast } from "../../components/command";
import { SelectField, TextField } from "../../components/fields";
import { texts } from "../../text";

const words = texts.pools;
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;

export function CreatePool({ onClose }: { onClose: () => void }) {
  const server = useServer();
  const drivers = server.data?.environment.storage_supported_drivers.map((each) => each.Name) ?? ["dir"];
  const [name, setName] = useState("");
  const [chosen, setDriver] = useState("");
  const [size, setSize] = useState("");
  const [source, setSource] = useState("");
  const [description, setDescription] = useState("");
  const driver = chosen === "" ? (drivers.includes("btrfs") ? "btrfs" : (drivers[0] ?? "dir")) : chosen;
  const mayHaveSize = driver !== "dir" && source === "";
  const config: Record<string, string> = {
    ...(mayHaveSize && size !== "" ? { size } : {}),
    ...(source === "" ? {} : { source }),
  };
  const pairs = Object.entries(config).map(([key, value]) => `${key}=${value}`);
  const isNameFine = NAME.test(name);
  return (
    <ActionDialog
      action={{
        title: words.createTitle,
        done: words.created(name),
        run: () => createPool({ name, driver, config, description }),
      }}
      command={holdfast("default", "storage", "create", name || "NAME", driver, ...pairs)}
      submit={words.submit}
      isReady={isNameFine}
      onClose={onClose}
    >
      <TextField
        label={texts.name}
        value={name}
        onChange={setName}
        autoComplete="off"
        error={isNameFine || name === "" ? undefined : words.badName}
      />
      <SelectField
        label={words.driver}
        value={driver}
        onChange={setDriver}
        choices={drivers.map((each) => ({ value: each, label: words.drivers[each as "dir"] ?? each }))}
      />
      <TextField label={words.source} help={words.sourceHelp} value={source} onChange={setSource} autoComplete="off" />
      {mayHaveSize && <TextField label={words.size} help={words.sizeHelp} value={size} onChange={setSize} />}
      <TextField label={texts.description} value={description} onChange={setDescription} />
    </ActionDialog>
  );
}
