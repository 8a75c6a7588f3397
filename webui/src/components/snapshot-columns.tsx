// What each table of snapshots shows, and the buttons of a row.
import { texts } from "../text";
import { ActionMenu, type MenuAction } from "./action-menu";
import { Age, parseTime } from "./age";
import type { Column } from "./data-table";

const words = texts.snapshots;

export interface ShownSnapshot {
  name: string;
  description: string;
  created_at: string;
  expires_at: string | null;
  held: boolean;
  stateful?: boolean;
}

interface CommonColumns<Snapshot> {
  name: Column<Snapshot>;
  created: Column<Snapshot>;
  expires: Column<Snapshot>;
  actions: Column<Snapshot>;
}

/** `actionsOf` begins with "restore" and "files": these are what one comes for in a hurry, and have buttons of their own. */
export function commonColumns<Snapshot extends ShownSnapshot>(
  actionsOf: (snapshot: Snapshot) => MenuAction[],
): CommonColumns<Snapshot> {
  return {
    name: {
      key: "name",
      title: words.columns.name,
      isHeader: true,
      cell: (snapshot) => <NameCell snapshot={snapshot} />,
      sort: (snapshot) => snapshot.name,
    },
    created: {
      key: "created",
      title: words.columns.created,
      className: "word-cell",
      cell: (snapshot) => <Age time={snapshot.created_at} />,
      sort: (snapshot) => parseTime(snapshot.created_at) ?? 0,
    },
    expires: {
      key: "expires",
      title: words.columns.expires,
      className: "word-cell",
      cell: (snapshot) => <Age time={snapshot.expires_at} absent={words.noExpiry} />,
      sort: (snapshot) => parseTime(snapshot.expires_at) ?? Number.MAX_SAFE_INTEGER,
    },
    actions: {
      key: "actions",
      title: words.columns.actions,
      isTitleHidden: true,
      className: "button-cell",
      cell: (snapshot) => <ActionsCell name={snapshot.name} actions={actionsOf(snapshot)} />,
    },
  };
}

function NameCell({ snapshot }: { snapshot: ShownSnapshot }) {
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

/** The files stand in the menu as well, with their command. */
function ActionsCell({ name, actions }: { name: string; actions: MenuAction[] }) {
  const [restore, ...others] = actions;
  const [files] = others;
  return (
    <>
      {files !== undefined && !files.disabled && <QuickButton label={words.filesShort} name={name} action={files} />}
      {restore !== undefined && <QuickButton label={words.restoreShort} name={name} action={restore} />}
      <ActionMenu label="⋯" ariaLabel={words.actionsOf(name)} className="p-button--base icon-button" actions={others} />
    </>
  );
}

function QuickButton({ label, name, action }: { label: string; name: string; action: MenuAction }) {
  return (
    <>
      <button type="button" className="p-button is-small" aria-label={`${label} ${name}`} onClick={action.onSelect}>
        {label}
      </button>{" "}
    </>
  );
}
