// Rules of names of volumes; the server checks them again.
export const isVolumeName = (name: string): boolean => /^[^\s/]{1,63}$/.test(name) && name !== "." && name !== "..";
