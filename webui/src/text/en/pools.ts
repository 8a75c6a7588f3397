// Storage pools.
export const pools = {
  create: "Create a pool",
  empty: "There is no storage pool yet: instances need one.",
  driver: "Driver",
  space: "Space",
  inodes: "Inodes",
  usedBy: "Used by",
  things: (count: number) => (count === 1 ? "1 thing" : `${count} things`),
  nobody: "Nothing uses it.",
  source: "Source",
  actionsOf: (name: string) => `Actions of the pool ${name}`,
  createTitle: "Create a storage pool",
  drivers: {
    dir: "dir: directories of any file system; copies are full",
    btrfs: "btrfs: snapshots at once, needs kernel support",
    zfs: "zfs: snapshots at once, needs the ZFS tools",
    lvm: "lvm: thin volumes",
  },
  size: "Size",
  sizeHelp: "Such as 20GiB: a file of this size is made for it. Empty: chosen by the server.",
  sourceHelp: "An existing directory, block device or data set. Empty: within the server's own directory.",
  created: (name: string) => `The pool ${name} is created`,
  submit: "Create",
  badName: "Letters, digits and hyphens only.",
  remove: "Delete…",
  removeTitle: (name: string) => `Delete the pool ${name}`,
  removeIntro: "Only an empty pool can be deleted. What the server made for it (its file or directory) goes with it.",
  removeUsed: (count: number) =>
    count === 1 ? "1 thing uses it: the server refuses until that is gone." : `${count} things use it: the server refuses until they are gone.`,
  lost: {
    state: "The server doesn't find its disk. Everything that is in it waits until the disk is there again, which needs no restart.",
    remove: "The disk is lost…",
    title: (name: string) => `Delete the lost pool ${name}`,
    intro:
      "If the disk can come back, cancel: with the records gone the server doesn't know any more what is on it. " +
      "What is on other disks stays: copies, export files, other pools.",
    losses: (count: number) =>
      count === 1
        ? "The record of the one thing that was in it goes, and its name is free again."
        : `The records of the ${count} things that were in it go, and their names are free again.`,
    nothing: "Nothing is recorded in it.",
    done: (name: string) => `The lost pool ${name} is deleted`,
  },
  removed: (name: string) => `The pool ${name} is deleted`,
  tabs: { label: (name: string) => `Pages of the pool ${name}`, overview: "Overview", settings: "Settings", yaml: "YAML" },
  gone: (name: string) => `There is no pool ${name}.`,
  settings: "Settings",
};
