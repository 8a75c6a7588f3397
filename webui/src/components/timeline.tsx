// Points on a line of time, oldest left, now right. Each point is a button; near ones share one, which says how many.
import { useLayoutEffect, useMemo, useRef, useState, type RefObject } from "react";
import { texts } from "../text";
import { formatTime, parseTime, useNow } from "./age";

export interface TimelinePoint {
  name: string;
  time: string;
  /** Drawn in another colour: held. */
  isMarked?: boolean;
}

interface TimelineProps {
  points: TimelinePoint[];
  chosen: string | undefined;
  onChoose: (name: string | undefined) => void;
}

const words = texts.snapshots;
/** Points that are nearer than this would lie on each other. */
const NEAREST_PX = 24;
/** Room at both ends for half of a point, and of the word below it. */
const END_PX = 14;
/** Ages that are said below the line, by seconds. */
const MARKS = Object.entries(words.timelineMarks);
/** Between what is said below the line. */
const BETWEEN_MARKS_PX = 76;

interface Timed extends TimelinePoint {
  at: number;
}

interface Group {
  x: number;
  /** The newest first. */
  points: Timed[];
}

interface Mark {
  x: number;
  text: string;
}

interface Drawn {
  groups: Group[];
  marks: Mark[];
  oldest: number;
}

/** Old times lie closer together than new ones, as on a logarithmic scale: hours count today, days last month. */
function draw(points: TimelinePoint[], clock: number, width: number): Drawn {
  const timed = points.map((point) => ({ ...point, at: parseTime(point.time) ?? clock })).sort((a, b) => b.at - a.at);
  const oldest = timed.at(-1)?.at ?? clock;
  // The clock of the page lags by seconds: a snapshot of this moment must not lie in its future.
  const now = Math.max(clock, timed[0]?.at ?? clock);
  const scale = (age: number) => Math.log1p(Math.max(age, 0) / 600_000);
  const whole = scale(Math.max(now - oldest, 60_000));
  const placeOf = (age: number) => END_PX + (width - 2 * END_PX) * (1 - scale(age) / whole);
  const groups: Group[] = [];
  for (const point of timed) {
    const x = placeOf(now - point.at);
    const last = groups.at(-1);
    if (last !== undefined && last.x - x < NEAREST_PX) last.points.push(point);
    else groups.push({ x, points: [point] });
  }
  const marks: Mark[] = [];
  for (const [seconds, text] of MARKS) {
    const x = placeOf(Number(seconds) * 1000);
    const right = marks.at(-1)?.x ?? width;
    if (x > 2 * BETWEEN_MARKS_PX && right - x > BETWEEN_MARKS_PX) marks.push({ x, text });
  }
  return { groups: groups.reverse(), marks, oldest };
}

export function Timeline({ points, chosen, onChoose }: TimelineProps) {
  const now = useNow();
  const line = useRef<HTMLOListElement>(null);
  const width = useWidth(line);
  const { groups, marks, oldest } = useMemo(() => draw(points, now, width), [points, now, width]);
  if (points.length < 2) return null;
  return (
    <section className="timeline" aria-label={words.timeline}>
      <p className="u-off-screen">{words.timelineHelp}</p>
      <ol className="timeline__line" ref={line}>
        {width > 0 &&
          groups.map((group) => (
            <GroupPoint key={group.points.at(-1)?.name} group={group} chosen={chosen} onChoose={onChoose} />
          ))}
      </ol>
      <div className="timeline__ends" aria-hidden="true">
        <span>{formatTime(oldest)}</span>
        {marks.map((mark) => (
          <span key={mark.text} className="timeline__mark" style={{ left: mark.x }}>
            {mark.text}
          </span>
        ))}
        <span>{words.now}</span>
      </div>
    </section>
  );
}

type GroupPointProps = Omit<TimelineProps, "points"> & { group: Group };

function GroupPoint({ group: { x, points }, chosen, onChoose }: GroupPointProps) {
  const [newest] = points;
  const oldest = points.at(-1);
  if (newest === undefined || oldest === undefined) return null;
  const at = points.findIndex((point) => point.name === chosen);
  const saying =
    points.length === 1
      ? `${newest.name}, ${formatTime(newest.at)}`
      : words.timelineGroup(points.length, formatTime(oldest.at), formatTime(newest.at));
  const classes = [
    "timeline__dot",
    ...(points.length > 1 ? ["is-group"] : []),
    ...(points.some((point) => point.isMarked) ? ["is-marked"] : []),
  ];
  return (
    <li className="timeline__point" style={{ left: x }}>
      <button
        type="button"
        className={classes.join(" ")}
        aria-pressed={at >= 0}
        title={saying}
        // Of several one comes after the other, and after the last none.
        onClick={() => onChoose(points[at + 1]?.name)}
      >
        {points.length > 1 && <span aria-hidden="true">{points.length}</span>}
        <span className="u-off-screen">{saying}</span>
      </button>
    </li>
  );
}

function useWidth(element: RefObject<HTMLElement>): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const measured = element.current;
    if (measured === null) return undefined;
    const observer = new ResizeObserver(() => setWidth(measured.clientWidth));
    observer.observe(measured);
    setWidth(measured.clientWidth);
    return () => observer.disconnect();
  }, [element]);
  return width;
}
