// Labelled fields of forms.
import { useId, type InputHTMLAttributes, type ReactNode, type TextareaHTMLAttributes } from "react";

interface FieldProps {
  label: string;
  help?: ReactNode;
  /** Why the value can't be taken. */
  error?: string | undefined;
}

function Help({ id, help, error }: { id: string; help: ReactNode; error: string | undefined }) {
  if (error !== undefined && error !== "") {
    return (
      <p className="p-form-validation__message" id={id}>
        {error}
      </p>
    );
  }
  return help === undefined ? null : (
    <p className="p-form-help-text" id={id}>
      {help}
    </p>
  );
}

const wrapper = (error: string | undefined) =>
  error === undefined || error === "" ? "field" : "field p-form-validation is-error";

const described = (id: string, help: ReactNode, error: string | undefined) =>
  help === undefined && (error === undefined || error === "") ? {} : { "aria-describedby": id };

type TextFieldProps = FieldProps & { value: string; onChange: (value: string) => void } & Omit<
    InputHTMLAttributes<HTMLInputElement>,
    "value" | "onChange"
  >;

export function TextField({ label, help, error, value, onChange, ...rest }: TextFieldProps) {
  const id = useId();
  return (
    <div className={wrapper(error)}>
      <label htmlFor={id}>{label}</label>
      <input
        type="text"
        {...rest}
        id={id}
        value={value}
        aria-invalid={error !== undefined && error !== ""}
        {...described(`${id}-help`, help, error)}
        onChange={(event) => onChange(event.target.value)}
      />
      <Help id={`${id}-help`} help={help} error={error} />
    </div>
  );
}

type TextAreaProps = FieldProps & { value: string; onChange: (value: string) => void } & Omit<
    TextareaHTMLAttributes<HTMLTextAreaElement>,
    "value" | "onChange"
  >;

export function TextArea({ label, help, error, value, onChange, ...rest }: TextAreaProps) {
  const id = useId();
  return (
    <div className={wrapper(error)}>
      <label htmlFor={id}>{label}</label>
      <textarea
        {...rest}
        id={id}
        value={value}
        {...described(`${id}-help`, help, error)}
        onChange={(event) => onChange(event.target.value)}
      />
      <Help id={`${id}-help`} help={help} error={error} />
    </div>
  );
}

export interface Choice {
  value: string;
  label: string;
}

interface SelectFieldProps extends FieldProps {
  value: string;
  onChange: (value: string) => void;
  choices: Choice[];
  disabled?: boolean;
}

export function SelectField({ label, help, error, value, onChange, choices, disabled = false }: SelectFieldProps) {
  const id = useId();
  return (
    <div className={wrapper(error)}>
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        value={value}
        disabled={disabled}
        {...described(`${id}-help`, help, error)}
        onChange={(event) => onChange(event.target.value)}
      >
        {choices.map((choice) => (
          <option key={choice.value} value={choice.value}>
            {choice.label}
          </option>
        ))}
      </select>
      <Help id={`${id}-help`} help={help} error={error} />
    </div>
  );
}

interface CheckFieldProps {
  label: ReactNode;
  help?: ReactNode;
  isChecked: boolean;
  onChange: (isChecked: boolean) => void;
  disabled?: boolean;
}

export function CheckField({ label, help, isChecked, onChange, disabled = false }: CheckFieldProps) {
  const id = useId();
  return (
    <div className="field">
      <label className="check">
        <input
          type="checkbox"
          className="checkbox"
          checked={isChecked}
          disabled={disabled}
          {...described(`${id}-help`, help, undefined)}
          onChange={(event) => onChange(event.target.checked)}
        />
        <span>{label}</span>
      </label>
      <Help id={`${id}-help`} help={help} error={undefined} />
    </div>
  );
}
