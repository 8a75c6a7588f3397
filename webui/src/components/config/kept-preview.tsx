// What a rule to keep would leave of the snapshots that are there.
import type { PlannedSnapshot } from "../../api/resources/snapshots";
import { texts } from "../../text";
import { Age } from "../age";
import { DataTable, type Column } from "../data-table";
import { StatusLabel } from "../status-label";

const words = texts.configuration.keep;

const COLUMNS: Column<PlannedSnapshot>[] = [
  { key: "name", title: texts.name, isHeader: true, cell: (each) => each.name },
  { key: "created", title: texts.created, className: "word-cell", cell: (each) => <Age time={each.created_at} /> },
  {
    key: "kept",
    title: texts.status,
    cell: (each) => <StatusLabel status={each.kept ? words.keeps : words.goesAt} tone={each.kept ? "positive" : "caution"} />,
  },
  { key: "reason", title: words.reason, cell: (each) => each.reason },
  {
    key: "goes",
    title: words.goesAt,
    className: "word-cell",
    cell: (each) => <Age time={each.goes_at} absent="" />,
  },
];

export function KeptPreview({ planned }: { planned: PlannedSnapshot[] }) {
  const kept = planned.filter((each) => each.kept).length;
  return (
    <section>
      <h3 className="p-heading--5">{words.preview}</h3>
      {planned.length === 0 ? (
        <p>{words.none}</p>
      ) : (
        <>
          <p role="status">{words.kept(kept, planned.length - kept)}</p>
          <DataTable caption={words.preview} columns={COLUMNS} rows={planned} rowKey={(each) => each.name} />
        </>
      )}
    </section>
  );
}
