// A word to search for, kept in the address so that going back finds the same list.
import { useId } from "react";
import { texts } from "../text";

interface SearchBoxProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
}

export function SearchBox({ label, value, onChange }: SearchBoxProps) {
  const id = useId();
  return (
    <div className="search">
      <label className="u-off-screen" htmlFor={id}>
        {label}
      </label>
      <input
        id={id}
        type="search"
        placeholder={texts.search}
        autoComplete="off"
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </div>
  );
}
