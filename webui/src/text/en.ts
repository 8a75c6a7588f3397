// All English texts, by page. A text with values in it is a function of them.
import { common } from "./en/common";
import { components } from "./en/components";
import { configuration } from "./en/configuration";
import { instance } from "./en/instance";
import { instances } from "./en/instances";
import { pages } from "./en/pages";
import { snapshots } from "./en/snapshots";

export const texts = { ...common, ...components, configuration, instances, instance, pages, snapshots };
