// How an image is called.
import type { Image } from "../../api/resources/images";

export const aliasesOf = (image: Image): string[] => image.aliases.map((alias) => alias.name ?? "").sort();

export const shortFingerprint = (image: Image): string => image.fingerprint.slice(0, 12);

/** Its first alias, or the beginning of its fingerprint: what commands take. */
export const imageName = (image: Image): string => aliasesOf(image)[0] ?? shortFingerprint(image);
