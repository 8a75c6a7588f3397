export const instance = { title: "Instance" };
