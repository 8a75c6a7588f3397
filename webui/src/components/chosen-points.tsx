// Two points to compare, and below which path: they stand in the address.
import { useMemo, type ReactNode } from "react";
import { useSearchParams } from "react-router-dom";
import { texts } from "../text";
import { formatTime, parseTime } from "./age";
import { SelectField, TextField } from "./fields";

const words = texts.snapshots.compare;

export interface Point {
  name: string;
  created_at: string;
}

interface ChosenPoints {
  from: string;
  /** "" is now. */
  to: string;
  path: string;
  /** The fields in which they are chosen. */
  fields: ReactNode;
}

export function useChosenPoints(points: Point[]): ChosenPoints {
  const [search, setSearch] = useSearchParams();
  const ordered = useMemo(() => points.toSorted((a, b) => a.created_at.localeCompare(b.created_at)), [points]);
  const from = search.get("from") ?? ordered.at(-1)?.name ?? "";
  const to = search.get("to") ?? "";
  const path = search.get("path") ?? "";
  const set = (change: Record<string, string>) =>
    setSearch(
      (before) => {
        const after = new URLSearchParams(before);
        for (const [key, value] of Object.entries(change)) after.set(key, value);
        return after;
      },
      { replace: true },
    );
  const choices = ordered.map((each) => ({
    value: each.name,
    label: `${each.name} (${formatTime(parseTime(each.created_at) ?? 0)})`,
  }));
  const fields = (
    <div className="field-row">
      <SelectField label={words.from} value={from} onChange={(value) => set({ from: value, to })} choices={choices} />
      <SelectField
        label={words.to}
        value={to}
        onChange={(value) => set({ to: value, from })}
        choices={[...choices, { value: "", label: words.now }]}
      />
      <TextField label={words.searchLabel} value={path} placeholder="/etc" onChange={(value) => set({ path: value })} />
    </div>
  );
  return { from, to, path, fields };
}
