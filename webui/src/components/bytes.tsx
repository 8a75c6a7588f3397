// Sizes as people say them.
import { texts } from "../text";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** Say a number of bytes; -1 and undefined are not known. */
export function formatBytes(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined || bytes < 0) return texts.unknown;
  let amount = bytes;
  let unit = 0;
  while (amount >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${unit === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${UNITS[unit]}`;
}

export function Bytes({ value }: { value: number | null | undefined }) {
  const isKnown = value !== null && value !== undefined && value >= 0;
  return <span className={isKnown ? "bytes" : "bytes absent"}>{isKnown ? formatBytes(value) : "–"}</span>;
}
