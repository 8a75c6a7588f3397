// The columns of the table of snapshots.
import { api } from "../../../api/client";
import type { PlannedSnapshot, Snapshot } from "../../../api/resources/snapshots";
import { ActionMenu, type MenuAction } from "../../../components/action-menu";
import { Age, parseTime } from "../../../components/age";
import type { Column } from "../../../components/data-table";
import { MeasuredSize } from "../../../components/measured-size";
import { texts } from "../../../text";

const words = texts.snapshots;

export function snapshotColumns(
  instance: string,
  project: string,
  plan: PlannedSnapshot[],
  actionsOf: (snapshot: Snapshot) => MenuAction[],
): Column<Snapshot>[] {
  const planned = new Map(plan.map((each) => [each.name, each]));
  return [
    {
      key: "name",
      title: words.columns.name,
      isHeader: true,
      cell: (snapshot) => <NameCell snapshot={snapshot} />,
      sort: (snapshot) => snapshot.name,
    },
    {
      key: "created",
      title: words.columns.created,
      className: "word-cell",
      cell: (snapshot) => <Age time={snapshot.created_at} />,
      sort: (snapshot) => parseTime(snapshot.created_at) ?? 0,
    },
    {
      key: "made",
      title: words.columns.made,
      cell: (snapshot) => (snapshot.schedule === "" ? words.madeByHand : words.madeBy(snapshot.schedule)),
      sort: (snapshot) => snapshot.schedule,
    },
    {
      key: "expires",
      title: words.columns.expires,
      className: "word-cell",
      cell: (snapshot) => <Age time={snapshot.expires_at} absent={words.noExpiry} />,
      sort: (snapshot) => parseTime(snapshot.expires_at) ?? Number.MAX_SAFE_INTEGER,
    },
    {
      key: "stays",
      title: words.columns.stays,
      cell: (snapshot) => <StaysCell planned={planned.get(snapshot.name)} />,
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
    {
      key: "actions",
      title: words.columns.actions,
      isTitleHidden: true,
      className: "button-cell",
      cell: (snapshot) => <ActionsCell name={snapshot.name} actions={actionsOf(snapshot)} />,
    },
  ];
}

/** Restore is what one came for in a hurry: it has a button of its own. */
function ActionsCell({ name, actions }: { name: string; actions: MenuAction[] }) {
  const [restore, ...others] = actions;
  return (
    <>
      <button
        type="button"
        className="p-button is-small"
        aria-label={`${words.restoreShort} ${name}`}
        onClick={restore?.onSelect}
      >
        {words.restoreShort}
      </button>{" "}
      <ActionMenu
        label="⋯"
        ariaLabel={words.actionsOf(name)}
        className="p-button--base icon-button"
        actions={others}
      />
    </>
  );
}

function NameCell({ snapshot }: { snapshot: Snapshot }) {
  return (
    <span className="name-cell">
      <span>
        {snapshot.name} {snapshot.held && <span className="status status--information">{words.held}</span>}{" "}
        {snapshot.stateful && <span className="status status--neutral">{words.stateful}</span>}
      </span>
      {snapshot.description !== "" && <span className="name-cell__more">{snapshot.description}</span>}
    </span>
  );
}

function StaysCell({ planned }: { planned: PlannedSnapshot | undefined }) {
  if (planned === undefined) return null;
  return (
    <>
      {planned.reason}
      {planned.goes_at !== null && (
        <span className="u-text--muted">
          {" · "}
          {words.goes} <Age time={planned.goes_at} />
        </span>
      )}
    </>
  );
}
