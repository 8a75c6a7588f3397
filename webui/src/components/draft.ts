// What is being edited: follows what the server has as long as nothing was changed here.
import { useState } from "react";

interface Draft<T> {
  draft: T;
  set: (change: Partial<T>) => void;
  isChanged: boolean;
  reset: () => void;
}

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

export function useDraft<T extends object>(value: T): Draft<T> {
  const [base, setBase] = useState(value);
  const [draft, setDraft] = useState(value);
  const isChanged = !isSame(draft, base);
  if (!isSame(value, base) && (!isChanged || isSame(draft, value))) {
    setBase(value);
    setDraft(value);
  }
  return {
    draft,
    set: (change) => setDraft({ ...draft, ...change }),
    isChanged,
    reset: () => {
      setBase(value);
      setDraft(value);
    },
  };
}
