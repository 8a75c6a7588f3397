// A new instance from an export file: sent in pieces, with progress, then imported.
import { useEffect, useRef, useState } from "react";
import { useNavigate } from "react-router-dom";
import type { Operation } from "../../api/client";
import { finished } from "../../api/operations";
import { setPower } from "../../api/resources/instances";
import { usePools } from "../../api/resources/server";
import { importInstance, upload, type UploadProgress } from "../../api/uploads";
import { ActionDialog } from "../../components/action-dialog";
import { formatBytes } from "../../components/bytes";
import { holdfast } from "../../components/command";
import { CheckField, SelectField, TextField } from "../../components/fields";
import { FileField } from "../../components/file-field";
import { tellOfLostUndo } from "../../components/run-action";
import { UploadBar } from "../../components/upload-bar";
import { instanceAddress } from "../../components/project";
import { texts } from "../../text";
import type { CreateProps } from "./create-from-image";
import { isInstanceName } from "./instance-name";

const words = texts.instances.createFile;

interface Form {
  file: File | undefined;
  name: string;
  pool: string;
  isReplacing: boolean;
  isStarted: boolean;
}

function commandOf(form: Form, project: string): string {
  return holdfast(
    project,
    "import",
    form.file?.name ?? "FILE",
    form.name !== "" && form.name,
    ...(form.pool === "" ? [] : ["-s", form.pool]),
    form.isReplacing && "--replace",
    form.isStarted && "--start",
  );
}

const nameOf = (operation: Operation): string =>
  decodeURIComponent(operation.resources?.["instances"]?.[0]?.split("?")[0]?.split("/").at(-1) ?? "");

export function CreateFromFile({ project, onClose }: CreateProps) {
  const navigate = useNavigate();
  const [form, setForm] = useState<Form>({ file: undefined, name: "", pool: "", isReplacing: false, isStarted: true });
  const [progress, setProgress] = useState<UploadProgress>();
  const stop = useRef(new AbortController());
  const made = useRef("");
  // The upload goes on when the dialog is closed: only the button stops it.
  useEffect(() => {
    stop.current = new AbortController();
  }, []);
  const run = async () => {
    stop.current = new AbortController();
    const id = await upload(form.file as File, project, stop.current.signal, setProgress);
    const operation = await importInstance(id, project, form);
    made.current = form.name || nameOf(operation);
    if (!form.isStarted) return operation;
    const end = await finished(operation);
    tellOfLostUndo(words.title, end);
    made.current = form.name || nameOf(end);
    return setPower(made.current, project, "start");
  };
  const isEncrypted = form.file?.name.endsWith(".age") ?? false;
  const isNameFine = form.name === "" || isInstanceName(form.name);
  return (
    <ActionDialog
      action={{ title: words.title, done: form.name === "" ? words.doneUnnamed : words.done(form.name), run }}
      command={commandOf(form, project)}
      submit={words.submit}
      isReady={form.file !== undefined && !isEncrypted && isNameFine}
      onClose={onClose}
      onDone={() => made.current !== "" && navigate(instanceAddress(made.current, project))}
      progress={progress !== undefined && <UploadBar progress={progress} onStop={() => stop.current.abort(new Error(words.stopped))} />}
    >
      <FormFields form={form} setForm={setForm} isEncrypted={isEncrypted} isNameFine={isNameFine} />
    </ActionDialog>
  );
}

interface FormFieldsProps {
  form: Form;
  setForm: (form: Form) => void;
  isEncrypted: boolean;
  isNameFine: boolean;
}

function FormFields({ form, setForm, isEncrypted, isNameFine }: FormFieldsProps) {
  const pools = usePools();
  const set = (change: Partial<Form>) => setForm({ ...form, ...change });
  const size = form.file === undefined ? "" : ` ${formatBytes(form.file.size)}.`;
  return (
    <>
      <FileField
        label={words.file}
        help={`${words.fileHelp}${size}`}
        error={isEncrypted ? words.encrypted : undefined}
        onChange={(file) => set({ file })}
      />
      <div className="field-row">
        <TextField
          label={words.name}
          help={words.nameHelp}
          value={form.name}
          onChange={(name) => set({ name })}
          autoComplete="off"
          error={isNameFine ? undefined : texts.instances.createImage.badName}
        />
        <SelectField
          label={words.pool}
          value={form.pool}
          disabled={form.isReplacing}
          onChange={(pool) => set({ pool })}
          choices={[
            { value: "", label: words.poolOfFile },
            ...(pools.data ?? []).map((pool) => ({ value: pool.name, label: `${pool.name} (${pool.driver})` })),
          ]}
        />
      </div>
      <CheckField
        label={words.replace}
        help={words.replaceHelp}
        isChecked={form.isReplacing}
        onChange={(isReplacing) => set({ isReplacing, pool: isReplacing ? "" : form.pool })}
      />
      <CheckField label={words.start} isChecked={form.isStarted} onChange={(isStarted) => set({ isStarted })} />
    </>
  );
}
