// A table that sorts, selects, and draws only the rows in sight when there are many. On a phone rows become cards.
import { useVirtualizer, type Virtualizer } from "@tanstack/react-virtual";
import { useLayoutEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { texts } from "../text";

export interface Column<Row> {
  key: string;
  title: string;
  cell: (row: Row) => ReactNode;
  /** What to sort by; without it the column doesn't sort. Rows that have nothing there come last either way. */
  sort?: (row: Row) => string | number | undefined;
  /** The cell that names the row. */
  isHeader?: boolean;
  /** For columns of buttons: the title is for screen readers only. */
  isTitleHidden?: boolean;
  className?: string;
}

export interface Selection {
  keys: ReadonlySet<string>;
  onChange: (keys: ReadonlySet<string>) => void;
}

interface DataTableProps<Row> {
  /** Says what the table lists; for screen readers. */
  caption: string;
  columns: Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  /** How a row is named in "Select …". */
  rowName?: (row: Row) => string;
  sortedBy?: string;
  isDescending?: boolean;
  selection?: Selection;
  /** The row that is pointed out; it is brought into sight. */
  markedKey?: string | undefined;
  /** What to show instead of no rows. */
  empty?: ReactNode;
}

/** Below this all rows are drawn: searching in the page by the browser's own means finds them then. */
const FEWEST_VIRTUAL_ROWS = 80;
const ROW_PX = 49;
const OVERSCAN_ROWS = 12;

interface Sorting {
  key: string | undefined;
  isDescending: boolean;
}

function sortRows<Row>(rows: readonly Row[], columns: Column<Row>[], sorting: Sorting): readonly Row[] {
  const by = columns.find((column) => column.key === sorting.key)?.sort;
  if (by === undefined) return rows;
  const sign = sorting.isDescending ? -1 : 1;
  const collator = new Intl.Collator(undefined, { numeric: true });
  return rows
    .map((row) => ({ row, value: by(row) }))
    .sort(({ value: a }, { value: b }) => {
      if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
      if (typeof a === "number" && typeof b === "number") return sign * (a - b);
      return sign * collator.compare(String(a), String(b));
    })
    .map(({ row }) => row);
}

export function DataTable<Row>(props: DataTableProps<Row>) {
  const { caption, columns, rows, rowKey, selection, empty = texts.table.empty } = props;
  const [sorting, setSorting] = useState<Sorting>({ key: props.sortedBy, isDescending: props.isDescending ?? false });
  const sorted = useMemo(() => sortRows(rows, columns, sorting), [rows, columns, sorting]);
  const table = useRef<HTMLTableElement>(null);
  const virtualizer = useRows(table, sorted.length);
  const isVirtual = sorted.length >= FEWEST_VIRTUAL_ROWS;
  const items = virtualizer.getVirtualItems();
  const shown = isVirtual ? items.map((item) => item.index) : sorted.map((_, index) => index);
  const margin = virtualizer.options.scrollMargin;
  const above = isVirtual ? (items[0]?.start ?? margin) - margin : 0;
  const below = isVirtual ? virtualizer.getTotalSize() - ((items.at(-1)?.end ?? margin) - margin) : 0;
  useMarked(props.markedKey, sorted, rowKey, table, isVirtual ? virtualizer : undefined);
  if (rows.length === 0) return <p className="table-empty">{empty}</p>;

  return (
    // The roles are said again, as cards on a phone are no table for browsers.
    <table className="data-table" ref={table} role="table" aria-rowcount={sorted.length + 1}>
      <caption className="u-off-screen">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row" aria-rowindex={1} data-title={texts.table.sort}>
          {selection !== undefined && (
            <th role="columnheader" className="data-table__check">
              <SelectAll keys={sorted.map(rowKey)} selection={selection} />
            </th>
          )}
          {columns.map((column) => (
            <ColumnHeader key={column.key} column={column} sorting={sorting} onSort={setSorting} />
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        <Spacer height={above} />
        {shown.map((index) => {
          const row = sorted[index];
          if (row === undefined) return null;
          return (
            <tr
              key={rowKey(row)}
              role="row"
              aria-rowindex={index + 2}
              data-index={index}
              className={props.markedKey === rowKey(row) ? "is-marked" : ""}
              ref={isVirtual ? virtualizer.measureElement : undefined}
            >
              {selection !== undefined && (
                <td role="cell" className="data-table__check">
                  <SelectRow id={rowKey(row)} name={(props.rowName ?? rowKey)(row)} selection={selection} />
                </td>
              )}
              {columns.map((column) => (
                <Cell key={column.key} column={column} row={row} />
              ))}
            </tr>
          );
        })}
        <Spacer height={below} />
      </tbody>
    </table>
  );
}

function useRows(table: React.RefObject<HTMLTableElement>, count: number): Virtualizer<HTMLElement, HTMLElement> {
  const [margin, setMargin] = useState(0);
  useLayoutEffect(() => {
    const main = document.getElementById("main");
    const body = table.current?.tBodies[0];
    if (main === null || body === undefined) return;
    setMargin(body.getBoundingClientRect().top - main.getBoundingClientRect().top + main.scrollTop);
  }, [table, count]);
  return useVirtualizer<HTMLElement, HTMLElement>({
    count,
    getScrollElement: () => document.getElementById("main"),
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN_ROWS,
    scrollMargin: margin,
  });
}

/** Bring the marked row into sight when another one is marked. */
function useMarked<Row>(
  marked: string | undefined,
  rows: readonly Row[],
  rowKey: (row: Row) => string,
  table: React.RefObject<HTMLTableElement>,
  virtualizer: Virtualizer<HTMLElement, HTMLElement> | undefined,
): void {
  useLayoutEffect(() => {
    if (marked === undefined) return;
    const index = rows.findIndex((row) => rowKey(row) === marked);
    if (index < 0) return;
    if (virtualizer !== undefined) virtualizer.scrollToIndex(index, { align: "center" });
    else table.current?.querySelector(`[data-index="${index}"]`)?.scrollIntoView({ block: "nearest" });
    // Only a new mark moves the page, not every new reading of the rows.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [marked]);
}

function Spacer({ height }: { height: number }) {
  if (height <= 0) return null;
  return (
    <tr aria-hidden="true" className="data-table__spacer" style={{ height }}>
      <td />
    </tr>
  );
}

function Cell<Row>({ column, row }: { column: Column<Row>; row: Row }) {
  const title = column.isTitleHidden ? {} : { "data-title": column.title };
  const className = column.className ?? "";
  if (column.isHeader) {
    return (
      <th scope="row" role="rowheader" className={className} {...title}>
        {column.cell(row)}
      </th>
    );
  }
  return (
    <td role="cell" className={className} {...title}>
      {/* Beside its title in a card it must be one thing. */}
      {column.isTitleHidden ? column.cell(row) : <div className="data-table__value">{column.cell(row)}</div>}
    </td>
  );
}

interface ColumnHeaderProps<Row> {
  column: Column<Row>;
  sorting: Sorting;
  onSort: (sorting: Sorting) => void;
}

function ColumnHeader<Row>({ column, sorting, onSort }: ColumnHeaderProps<Row>) {
  const className = column.className ?? "";
  if (column.sort === undefined) {
    return (
      <th role="columnheader" scope="col" className={className}>
        {column.isTitleHidden ? <span className="u-off-screen">{column.title}</span> : column.title}
      </th>
    );
  }
  const isSorted = sorting.key === column.key;
  const order = sorting.isDescending ? "descending" : "ascending";
  return (
    <th role="columnheader" scope="col" className={className} aria-sort={isSorted ? order : "none"}>
      <button
        type="button"
        className="data-table__sort"
        title={texts.table.sortBy(column.title)}
        onClick={() => onSort({ key: column.key, isDescending: isSorted && !sorting.isDescending })}
      >
        {column.title}
        <span aria-hidden="true">{isSorted ? (sorting.isDescending ? " ↓" : " ↑") : ""}</span>
      </button>
    </th>
  );
}

function SelectAll({ keys, selection }: { keys: string[]; selection: Selection }) {
  const isAll = keys.length > 0 && keys.every((key) => selection.keys.has(key));
  return (
    <input
      type="checkbox"
      className="checkbox"
      aria-label={texts.table.selectAll}
      checked={isAll}
      onChange={() => selection.onChange(new Set(isAll ? [] : keys))}
    />
  );
}

function SelectRow({ id, name, selection }: { id: string; name: string; selection: Selection }) {
  const toggle = () => {
    const keys = new Set(selection.keys);
    if (!keys.delete(id)) keys.add(id);
    selection.onChange(keys);
  };
  return (
    <input
      type="checkbox"
      className="checkbox"
      aria-label={texts.table.select(name)}
      checked={selection.keys.has(id)}
      onChange={toggle}
    />
  );
}
