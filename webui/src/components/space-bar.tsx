// How full something is.
import type { ReactNode } from "react";
import { texts } from "../text";
import { formatBytes } from "./bytes";

const words = texts.overview;
/** From here on the bar warns, as the server's own warnings do. */
const CAUTION = 0.8;
const FULL = 0.9;

interface SpaceBarProps {
  label: string;
  used: number;
  total: number;
  children?: ReactNode;
}

export function SpaceBar({ label, used, total, children }: SpaceBarProps) {
  const share = total > 0 ? used / total : 0;
  const tone = share >= FULL ? "negative" : share >= CAUTION ? "caution" : "positive";
  return (
    <div className="space">
      <meter className={`space__bar space__bar--${tone}`} aria-label={label} min={0} max={1} value={share} high={CAUTION} />
      <div className="space__text">
        <span>{words.poolFull(formatBytes(used), formatBytes(total))}</span>
        <span>{words.free(formatBytes(Math.max(total - used, 0)))}</span>
      </div>
      {children}
    </div>
  );
}
