// A field that takes one file of the user's machine.
import { useId } from "react";

interface FileFieldProps {
  label: string;
  help?: string;
  error?: string | undefined;
  accept?: string;
  onChange: (file: File | undefined) => void;
}

export function FileField({ label, help, error, accept, onChange }: FileFieldProps) {
  const id = useId();
  const note = error ?? help;
  return (
    <div className={error === undefined ? "field" : "field p-form-validation is-error"}>
      <label htmlFor={id}>{label}</label>
      <input
        type="file"
        id={id}
        {...(accept === undefined ? {} : { accept })}
        {...(note === undefined ? {} : { "aria-describedby": `${id}-help` })}
        onChange={(event) => onChange(event.target.files?.[0])}
      />
      {note !== undefined && (
        <p id={`${id}-help`} className={error === undefined ? "p-form-help-text" : "p-form-validation__message"}>
          {note}
        </p>
      )}
    </div>
  );
}
