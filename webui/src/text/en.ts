// All English texts, by page. A text with values in it is a function of them.
import { common } from "./en/common";
import { components } from "./en/components";
import { instance } from "./en/instance";
import { instances } from "./en/instances";
import { pages } from "./en/pages";

export const texts = { ...common, ...components, instances, instance, pages };
