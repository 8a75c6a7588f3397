// What a rule to keep would leave of the snapshots that are there.
import type { PlannedSnapshot } from "../../api/resources/snapshots";
import { texts } from "../../text";
import { Age, parseTime } from "../age";
import { DataTable, type Column } from "../data-table";
import { StatusLabel } from "../status-label";

const words = texts.configuration.keep;

const COLUMNS: Column<PlannedSnapshot>[] = [
  { key: "name", title: texts.name, isHeader: true, cell: (each) => each.name },
  {
    key: "created",
    title: texts.snapshots.columns.created,
    className: "word-cell",
    cell: (each) => <Age time={each.created_at} />,
    sort: (each) => parseTime(each.created_at) ?? 0,
  },
  {
    key: "kept",
    title: texts.status,
    cell: (each) => <StatusLabel status={each.kept ? words.keeps : words.goesAt} tone={each.kept ? "positive" : "caution"} />,
  },
  { key: "reason", title: words.reason, cell: (each) => each.reason },
  {
    key: "goes",
    title: words.goesTitle,
    className: "word-cell",
    cell: (each) => <Age time={each.goes_at} absent="" />,
  },
];

/** So many are shown at once; of more only those that go, and all when they are asked for. */
const FEW = 8;

function Planned({ planned }: { planned: PlannedSnapshot[] }) {
  return (
    <DataTable
      caption={words.preview}
      columns={COLUMNS}
      rows={planned}
      rowKey={(each) => each.name}
      sortedBy="created"
      isDescending
    />
  );
}

export function KeptPreview({ planned }: { planned: PlannedSnapshot[] }) {
  const going = planned.filter((each) => !each.kept);
  const kept = planned.length - going.length;
  return (
    <section>
      <h3 className="p-heading--5">{words.preview}</h3>
      {planned.length === 0 ? (
        <p>{words.none}</p>
      ) : (
        <>
          <p role="status">{words.kept(kept, planned.length - kept)}</p>
          {going.length > 0 && planned.length > FEW && <Planned planned={going} />}
          {planned.length <= FEW ? (
            <Planned planned={planned} />
          ) : (
            <details>
              <summary>{words.all(planned.length)}</summary>
              <Planned planned={planned} />
            </details>
          )}
        </>
      )}
    </section>
  );
}
