// Editors of settings: rows of keys and values, devices.
export const editors = {
  key: "Key",
  value: "Value",
  addKey: "Add a key",
  removeKey: (key: string) => `Remove ${key}`,
  noKeys: "No key is set.",
  doubleKey: "This key is there already.",
  noDevices: "It has no device of its own.",
  addDevice: "Add a device",
  deviceName: "Name of the device",
  deviceType: "Type",
  removeDevice: (name: string) => `Remove the device ${name}`,
  save: "Save",
  reset: "Put back what was there",
  saved: (what: string) => `${what} is saved`,
  saveTitle: (what: string) => `Save ${what}`,
};
