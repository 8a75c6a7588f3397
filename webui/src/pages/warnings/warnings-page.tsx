// What the server found wrong by itself: to see, acknowledge, and delete.
import { useMemo, useState } from "react";
import { useSearchParams } from "react-router-dom";
import { acknowledgeWarning, deleteWarning, useWarnings, type ServerWarning } from "../../api/resources/warnings";
import { ActionMenu } from "../../components/action-menu";
import { Age, parseTime } from "../../components/age";
import { CommandLine } from "../../components/command-line";
import { holdfast } from "../../components/command";
import { ConfirmDialog } from "../../components/confirm-dialog";
import { DataTable, type Column } from "../../components/data-table";
import { EntityLink } from "../../components/entity-link";
import { FullAccess } from "../../components/full-access";
import { Loaded } from "../../components/loaded";
import { Page } from "../../components/page";
import { useProjectFilter } from "../../components/project";
import { runDirectly } from "../../components/run-action";
import { SearchBox } from "../../components/search-box";
import { StatusLabel } from "../../components/status-label";
import { texts } from "../../text";

const words = texts.warnings;
const WARNINGS = "/1.0/warnings";
const TONES = { high: "negative", moderate: "caution", low: "information" } as const;
const SEVERITIES = ["low", "moderate", "high"];

type State = keyof typeof words.states;

export default function WarningsPage() {
  return (
    <Page title={texts.pages.warnings}>
      <p className="page-description">{words.intro}</p>
      <FullAccess>
        <Warnings />
      </FullAccess>
    </Page>
  );
}

function Warnings() {
  const project = useProjectFilter();
  const warnings = useWarnings(project);
  return (
    <>
      <Loaded query={warnings}>{(all) => <WarningList all={all} />}</Loaded>
      <CommandLine command={holdfast(project ?? "default", "warning", "list", "--all")} />
    </>
  );
}

function acknowledge(warnings: ServerWarning[]): void {
  void runDirectly({
    title: words.acknowledgeTitle(warnings.map((each) => each.type).join(", ")),
    done: words.acknowledged(warnings.length),
    run: async () => {
      await Promise.all(warnings.map((each) => acknowledgeWarning(each.uuid)));
    },
    touches: [WARNINGS],
  });
}

function WarningList({ all }: { all: ServerWarning[] }) {
  const [search, setSearch] = useSearchParams();
  const [wanted, setWanted] = useState("");
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [removed, setRemoved] = useState<ServerWarning[]>();
  const state = (search.get("state") ?? "new") as State;
  const columns = useMemo(() => warningColumns((warning) => setRemoved([warning])), []);
  const shown = all.filter(
    (each) =>
      (state === "all" || each.status === state) &&
      `${each.type} ${each.last_message} ${each.entity_url}`.toLowerCase().includes(wanted.toLowerCase()),
  );
  const chosen = shown.filter((each) => selected.has(each.uuid));
  const choose = (value: string) =>
    setSearch(
      (before) => {
        const after = new URLSearchParams(before);
        after.set("state", value);
        return after;
      },
      { replace: true },
    );
  return (
    <>
      <div className="toolbar" role="search">
        <SearchBox label={words.searchLabel} value={wanted} onChange={setWanted} />
        <select aria-label={words.state} value={state} onChange={(event) => choose(event.target.value)}>
          {Object.entries(words.states).map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
        {chosen.length > 0 && (
          <div className="bulk" role="group" aria-label={texts.table.selected(chosen.length)}>
            <span>{texts.table.selected(chosen.length)}</span>
            <button type="button" className="p-button" onClick={() => acknowledge(chosen)}>
              {words.acknowledge}
            </button>
            <button type="button" className="p-button" onClick={() => setRemoved(chosen)}>
              {words.remove}
            </button>
          </div>
        )}
      </div>
      <DataTable
        caption={texts.pages.warnings}
        columns={columns}
        rows={shown}
        rowKey={(each) => each.uuid}
        rowName={(each) => each.type}
        sortedBy="last"
        isDescending
        selection={{ keys: selected, onChange: setSelected }}
        empty={state === "new" && wanted === "" ? words.none : words.noneOfThese}
      />
      {removed !== undefined && <RemoveWarnings warnings={removed} onClose={() => setRemoved(undefined)} />}
    </>
  );
}

function RemoveWarnings({ warnings, onClose }: { warnings: ServerWarning[]; onClose: () => void }) {
  const run = async () => {
    await Promise.all(warnings.map((each) => deleteWarning(each.uuid)));
  };
  return (
    <ConfirmDialog
      action={{
        title: words.removeTitle(warnings.length),
        done: words.removed(warnings.length),
        run,
        touches: [WARNINGS],
      }}
      command={holdfast("default", "warning", "delete", ...warnings.map((each) => each.uuid))}
      submit={words.remove}
      losses={warnings.map((each) => `${each.type}: ${each.last_message}`)}
      onClose={onClose}
    >
      <p>{words.removeIntro}</p>
    </ConfirmDialog>
  );
}

function warningColumns(remove: (warning: ServerWarning) => void): Column<ServerWarning>[] {
  return [
    {
      key: "severity",
      title: words.severity,
      cell: (each) => <StatusLabel status={each.severity} tone={TONES[each.severity as "high"] ?? "neutral"} />,
      sort: (each) => SEVERITIES.indexOf(each.severity),
    },
    {
      key: "kind",
      title: words.kind,
      isHeader: true,
      cell: (each) => (
        <span className="name-cell">
          {each.type}
          {each.status !== "new" && (
            <span className="name-cell__more">{words.stateWords[each.status as "new"] ?? each.status}</span>
          )}
        </span>
      ),
      sort: (each) => each.type,
    },
    { key: "message", title: words.message, cell: (each) => <span className="error-text">{each.last_message}</span> },
    {
      key: "about",
      title: words.about,
      className: "short-cell",
      cell: (each) => (each.entity_url === "" ? words.wholeServer : <EntityLink url={each.entity_url} />),
      sort: (each) => each.entity_url,
    },
    { key: "count", title: words.count, className: "number-cell", cell: (each) => each.count, sort: (each) => each.count },
    {
      key: "last",
      title: words.last,
      className: "word-cell",
      cell: (each) => <Age time={each.last_seen_at} />,
      sort: (each) => parseTime(each.last_seen_at) ?? 0,
    },
    {
      key: "actions",
      title: texts.actions,
      isTitleHidden: true,
      className: "button-cell",
      cell: (each) => (
        <ActionMenu
          label="⋯"
          ariaLabel={words.actionsOf(each.type)}
          className="p-button--base icon-button"
          actions={[
            {
              label: words.acknowledge,
              command: holdfast("default", "warning", "acknowledge", each.uuid),
              onSelect: () => acknowledge([each]),
              disabled: each.status !== "new",
            },
            {
              label: words.remove,
              command: holdfast("default", "warning", "delete", each.uuid),
              isDangerous: true,
              onSelect: () => remove(each),
            },
          ]}
        />
      ),
    },
  ];
}
