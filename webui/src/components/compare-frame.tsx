// What changed between two points of an instance or a volume; what is gone can be fetched back from there.
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { texts } from "../text";
import { useChosenPoints, type Point } from "./chosen-points";
import { CommandLine } from "./command-line";
import { FileChanges } from "./file-changes";
import { Loaded } from "./loaded";
import type { Place } from "./places";

const words = texts.snapshots.compare;

interface CompareFrameProps<Snapshot> {
  place: Place;
  /** The API's path of the instance or volume. */
  subject: string;
  query: UseQueryResult<Snapshot[]>;
  /** The command for two points; the second is "" for now. */
  commandOf: (from: string, to: string) => string;
  /** What else changed; the second is absent for now. */
  settings?: (before: Snapshot | undefined, after: Snapshot | undefined) => ReactNode;
}

export function CompareFrame<Snapshot extends Point>(props: CompareFrameProps<Snapshot>) {
  return (
    <>
      <h2 className="p-heading--4">{words.title}</h2>
      <Loaded query={props.query}>{(all) => <Comparison {...props} snapshots={all} />}</Loaded>
    </>
  );
}

function Comparison<Snapshot extends Point>(props: CompareFrameProps<Snapshot> & { snapshots: Snapshot[] }) {
  const { place, subject, snapshots, commandOf, settings } = props;
  const { from, to, path, fields } = useChosenPoints(snapshots);
  const pointOf = (wanted: string) => snapshots.find((each) => each.name === wanted);
  if (snapshots.length === 0) return <p className="table-empty">{texts.snapshots.empty}</p>;
  return (
    <>
      {fields}
      {from === to ? (
        <p>{words.same}</p>
      ) : (
        <>
          {settings?.(pointOf(from), pointOf(to))}
          <FileChanges place={place} subject={subject} from={from} to={to} path={path} />
          <CommandLine command={commandOf(from, to)} />
        </>
      )}
    </>
  );
}
