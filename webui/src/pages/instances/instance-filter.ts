// Which instances the list shows: the words and choices stand in the address.
import { useCallback, useMemo } from "react";
import { useSearchParams } from "react-router-dom";
import type { Instance } from "../../api/resources/instances";

export interface InstanceFilter {
  words: string;
  state: string;
  type: string;
}

interface FilterOfAddress {
  filter: InstanceFilter;
  setFilter: (change: Partial<InstanceFilter>) => void;
}

export function useInstanceFilter(): FilterOfAddress {
  const [search, setSearch] = useSearchParams();
  const words = search.get("words") ?? "";
  const state = search.get("state") ?? "";
  const type = search.get("type") ?? "";
  const filter = useMemo(() => ({ words, state, type }), [words, state, type]);
  const setFilter = useCallback(
    (change: Partial<InstanceFilter>) => {
      setSearch(
        (before) => {
          const after = new URLSearchParams(before);
          for (const [key, value] of Object.entries(change)) {
            if (value === "") after.delete(key);
            else after.set(key, value);
          }
          return after;
        },
        { replace: true },
      );
    },
    [setSearch],
  );
  return { filter, setFilter };
}

/** How the image of an instance is called. */
export function imageOf(instance: Instance): string {
  const { expanded_config: config } = instance;
  return config["image.description"] ?? [config["image.os"], config["image.release"]].filter(Boolean).join(" ");
}

export function passes(instance: Instance, filter: InstanceFilter): boolean {
  if (filter.state !== "" && instance.status !== filter.state) return false;
  if (filter.type !== "" && instance.type !== filter.type) return false;
  const text = `${instance.name} ${instance.description} ${imageOf(instance)}`.toLowerCase();
  return filter.words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
