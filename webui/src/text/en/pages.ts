// Titles of the pages, as the browser's tab shows them.
export const pages = {
  overview: "Overview",
  instances: "Instances",
  volumes: "Volumes",
  images: "Images",
  pools: "Pools",
  profiles: "Profiles",
  operations: "Operations",
  warnings: "Warnings",
  servers: "Servers",
  settings: "Settings",
  notYet: "This page is not there yet; the command line and the API do the same.",
};
