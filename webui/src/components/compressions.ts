// How files can be compressed.
import type { Choice } from "./fields";

export const COMPRESSIONS: Choice[] = ["none", "gzip", "zstd", "xz", "bzip2", "lzma"].map((name) => ({
  value: name,
  label: name,
}));
