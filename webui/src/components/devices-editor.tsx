// Devices of a profile or an instance: each a small map of keys.
import { useState } from "react";
import { texts } from "../text";
import { SelectField, TextField } from "./fields";
import { SettingsEditor, type Settings } from "./settings-editor";

const words = texts.editors;

export type Devices = Record<string, Settings>;

const TYPES = ["disk", "nic", "unix-char", "unix-block", "proxy", "none"];
const SUGGESTIONS: Record<string, readonly string[]> = {
  disk: ["path", "pool", "source", "size", "readonly", "required", "shift"],
  nic: ["nictype", "parent", "name", "hwaddr", "mtu"],
};

interface DevicesEditorProps {
  devices: Devices;
  onChange: (devices: Devices) => void;
}

export function DevicesEditor({ devices, onChange }: DevicesEditorProps) {
  const names = Object.keys(devices).sort();
  const remove = (name: string) =>
    onChange(Object.fromEntries(Object.entries(devices).filter(([each]) => each !== name)));
  return (
    <>
      {names.length === 0 && <p className="u-text--muted">{words.noDevices}</p>}
      {names.map((name) => {
        const device = devices[name] ?? {};
        return (
          <fieldset key={name} className="card device">
            <legend>{name}</legend>
            <SettingsEditor
              settings={device}
              prefix={`${name}: `}
              suggestions={SUGGESTIONS[device["type"] ?? ""] ?? []}
              onChange={(settings) => onChange({ ...devices, [name]: settings })}
            />
            <button type="button" className="p-button is-small" onClick={() => remove(name)}>
              {words.removeDevice(name)}
            </button>
          </fieldset>
        );
      })}
      <NewDevice devices={devices} onChange={onChange} />
    </>
  );
}

function NewDevice({ devices, onChange }: DevicesEditorProps) {
  const [name, setName] = useState("");
  const [type, setType] = useState("disk");
  const isThere = name in devices;
  const add = () => {
    onChange({ ...devices, [name]: { type } });
    setName("");
  };
  return (
    <div className="settings__new">
      <TextField
        label={words.deviceName}
        value={name}
        onChange={(typed) => setName(typed.trim())}
        autoComplete="off"
        error={isThere ? words.doubleKey : undefined}
      />
      <SelectField
        label={words.deviceType}
        value={type}
        onChange={setType}
        choices={TYPES.map((each) => ({ value: each, label: each }))}
      />
      <button type="button" className="p-button" disabled={name === "" || isThere} onClick={add}>
        {words.addDevice}
      </button>
    </div>
  );
}
