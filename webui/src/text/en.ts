// All English texts, by page. A text with values in it is a function of them.
import { common } from "./en/common";
import { components } from "./en/components";
import { configuration } from "./en/configuration";
import { editors } from "./en/editors";
import { images } from "./en/images";
import { instance } from "./en/instance";
import { instances } from "./en/instances";
import { operations } from "./en/operations";
import { overview } from "./en/overview";
import { pages } from "./en/pages";
import { pools } from "./en/pools";
import { profiles } from "./en/profiles";
import { projects } from "./en/projects";
import { servers } from "./en/servers";
import { settings } from "./en/settings";
import { snapshots } from "./en/snapshots";
import { volumes } from "./en/volumes";
import { warnings } from "./en/warnings";

export const texts = {
  ...common,
  ...components,
  configuration,
  editors,
  images,
  instance,
  instances,
  operations,
  overview,
  pages,
  pools,
  profiles,
  projects,
  servers,
  settings,
  snapshots,
  volumes,
  warnings,
};
