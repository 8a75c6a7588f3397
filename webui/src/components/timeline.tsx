// Points on a line of time, oldest left, now right. Each point is a button; near ones are drawn side by side.
import { useMemo } from "react";
import { texts } from "../text";
import { formatTime, parseTime, useNow } from "./age";

export interface TimelinePoint {
  name: string;
  time: string;
  /** Drawn filled in another colour: held. */
  isMarked?: boolean;
}

interface TimelineProps {
  points: TimelinePoint[];
  chosen: string | undefined;
  onChoose: (name: string | undefined) => void;
}

const words = texts.snapshots;
/** Points that are nearer than this share of the line would lie on each other. */
const NEAREST_PERCENT = 1.4;

interface Placed extends TimelinePoint {
  at: number;
  percent: number;
}

/** Old times lie closer together than new ones, as on a logarithmic scale: hours count today, days last month. */
function place(points: TimelinePoint[], now: number): Placed[] {
  const timed = points
    .map((point) => ({ ...point, at: parseTime(point.time) ?? now }))
    .sort((a, b) => a.at - b.at);
  const oldest = timed[0]?.at ?? now;
  // The clock of the page lags by seconds: a snapshot of this moment must not lie in its future.
  now = Math.max(now, timed.at(-1)?.at ?? now);
  const scale = (age: number) => Math.log1p(age / 600_000);
  const whole = scale(Math.max(now - oldest, 60_000));
  const placed = timed.map((point) => ({ ...point, percent: 96 - 94 * (scale(Math.max(now - point.at, 0)) / whole) }));
  for (let index = placed.length - 2; index >= 0; index -= 1) {
    const [left, right] = [placed[index], placed[index + 1]];
    if (left !== undefined && right !== undefined) left.percent = Math.min(left.percent, right.percent - NEAREST_PERCENT);
  }
  return placed.filter((point) => point.percent >= 0);
}

export function Timeline({ points, chosen, onChoose }: TimelineProps) {
  const now = useNow();
  const placed = useMemo(() => place(points, now), [points, now]);
  if (points.length < 2) return null;
  return (
    <section className="timeline" aria-label={words.timeline}>
      <p className="u-off-screen">{words.timelineHelp}</p>
      <ol className="timeline__line">
        {placed.map((point) => (
          <li key={point.name} className="timeline__point" style={{ left: `${point.percent}%` }}>
            <button
              type="button"
              className={point.isMarked ? "timeline__dot is-marked" : "timeline__dot"}
              aria-pressed={chosen === point.name}
              title={`${point.name}: ${formatTime(point.at)}`}
              onClick={() => onChoose(chosen === point.name ? undefined : point.name)}
            >
              <span className="u-off-screen">{`${point.name}, ${formatTime(point.at)}`}</span>
            </button>
          </li>
        ))}
      </ol>
      <div className="timeline__ends" aria-hidden="true">
        <span>{placed[0] === undefined ? "" : formatTime(placed[0].at)}</span>
        <span>{words.now}</span>
      </div>
    </section>
  );
}
