// The columns of the table of snapshots.
import { api } from "../../../api/client";
import type { PlannedSnapshot, Snapshot } from "../../../api/resources/snapshots";
import type { MenuAction } from "../../../components/action-menu";
import { Age, parseTime } from "../../../components/age";
import type { Column } from "../../../components/data-table";
import { MeasuredSize } from "../../../components/measured-size";
import { commonColumns } from "../../../components/snapshot-columns";
import { texts } from "../../../text";

const words = texts.snapshots;

export function snapshotColumns(
  instance: string,
  project: string,
  plan: PlannedSnapshot[],
  actionsOf: (snapshot: Snapshot) => MenuAction[],
): Column<Snapshot>[] {
  const planned = new Map(plan.map((each) => [each.name, each]));
  const common = commonColumns(actionsOf);
  return [
    common.name,
    common.created,
    {
      key: "made",
      title: words.columns.made,
      className: "short-cell",
      cell: (snapshot) => (snapshot.schedule === "" ? words.madeByHand : words.madeBy(snapshot.schedule)),
      sort: (snapshot) => snapshot.schedule,
    },
    common.expires,
    {
      key: "stays",
      title: words.columns.stays,
      className: "wide-cell",
      cell: (snapshot) => <StaysCell snapshot={snapshot} planned={planned.get(snapshot.name)} />,
    },
    {
      key: "size",
      title: words.columns.size,
      className: "number-cell",
      cell: (snapshot) => (
        <MeasuredSize
          path={api`/1.0/instances/${instance}`}
          project={project}
          snapshot={snapshot.name}
          name={snapshot.name}
        />
      ),
    },
    common.actions,
  ];
}

interface StaysCellProps {
  snapshot: Snapshot;
  planned: PlannedSnapshot | undefined;
}

/** When it goes is said only where that is another time than its expiry, which stands beside. */
function StaysCell({ snapshot, planned }: StaysCellProps) {
  if (planned === undefined) return null;
  const goes = parseTime(planned.goes_at);
  return (
    <>
      {planned.reason}
      {goes !== undefined && goes !== parseTime(snapshot.expires_at) && (
        <span className="u-text--muted">
          {" · "}
          {words.goes} <Age time={planned.goes_at} />
        </span>
      )}
    </>
  );
}
