// The rule for names of instances, as the server has it; the server checks again.

const NAME = /^[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;

export const isInstanceName = (name: string): boolean => NAME.test(name);
