// A new protection: instances of another server, pulled by schedule.
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { createProtection, PROTECTIONS } from "../../api/resources/protections";
import { usePools, useProjectNames, useServer } from "../../api/resources/server";
import { ActionDialog } from "../../components/action-dialog";
import { CommandLine } from "../../components/command-line";
import { holdfast } from "../../components/command";
import { SelectField, TextArea, TextField } from "../../components/fields";
import { texts } from "../../text";

const words = texts.servers.create;

type Form = Required<Omit<Schemas["ProtectionsPost"], "check_only">>;

const EMPTY: Form = {
  name: "",
  remote: "",
  address: "",
  certificate: "",
  project: "default",
  pattern: "*",
  target_project: "default",
  pool: "",
  schedule: "@hourly",
  keep: "hourly=24,daily=14",
  window: "",
  limit: 0,
  parallel: 2,
};

function commandsOf(form: Form): string[] {
  const remote = form.remote || "NAME";
  const source = form.project === "default" ? form.pattern : `${form.project}/${form.pattern}`;
  const option = (name: string, value: string) => (value === "" ? [] : [name, value]);
  return [
    holdfast("default", "remote", "add", remote, form.address || "ADDRESS"),
    holdfast(
      "default",
      "backup-server",
      "protect",
      `${remote}:${source}`,
      "--every",
      form.schedule,
      ...option("--keep", form.keep),
      ...option("--pool", form.pool),
      ...option("--target-project", form.target_project === "default" ? "" : form.target_project),
      ...option("--window", form.window),
    ),
  ];
}

export function CreateProtection({ onClose }: { onClose: () => void }) {
  const [form, setForm] = useState(EMPTY);
  const isWhole = [form.remote, form.address, form.certificate, form.pattern, form.schedule].every((each) => each !== "");
  return (
    <ActionDialog
      action={{
        title: words.title,
        done: words.done(`${form.remote}:${form.pattern}`),
        run: () => createProtection(form),
        touches: [PROTECTIONS],
      }}
      command={commandsOf(form)}
      submit={words.submit}
      isReady={isWhole}
      isWide
      onClose={onClose}
    >
      <FormFields form={form} set={(change) => setForm({ ...form, ...change })} />
    </ActionDialog>
  );
}

function FormFields({ form, set }: { form: Form; set: (change: Partial<Form>) => void }) {
  const server = useServer();
  const pools = usePools();
  const projects = useProjectNames();
  const more = texts.servers;
  return (
    <>
      <p>{words.intro}</p>
      <CommandLine
        label={words.trustThere}
        command={`holdfast config trust add backup.crt --name backup --restricted --projects ${form.project || "default"}`}
      />
      <details>
        <summary>{words.certificateHere}</summary>
        {/* What scrolls must be reachable by keyboard. */}
        {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
        <pre className="pem" tabIndex={0} role="region" aria-label={words.certificateHere}>
          {server.data?.environment.certificate}
        </pre>
      </details>
      <div className="field-row">
        <TextField label={words.remote} value={form.remote} onChange={(remote) => set({ remote })} autoComplete="off" />
        <TextField
          label={words.address}
          help={words.addressHelp}
          value={form.address}
          onChange={(address) => set({ address })}
          autoComplete="off"
        />
      </div>
      <TextArea
        label={words.certificate}
        help={words.certificateHelp}
        rows={3}
        value={form.certificate}
        onChange={(certificate) => set({ certificate })}
      />
      <div className="field-row">
        <TextField
          label={words.pattern}
          help={words.patternHelp}
          value={form.pattern}
          onChange={(pattern) => set({ pattern })}
        />
        <TextField label={words.project} value={form.project} onChange={(project) => set({ project })} />
      </div>
      <div className="field-row">
        <TextField
          label={more.schedule}
          help={more.everyHelp}
          value={form.schedule}
          onChange={(schedule) => set({ schedule })}
        />
        <TextField label={more.keep} help={more.keepHelp} value={form.keep} onChange={(keep) => set({ keep })} />
        <TextField label={more.window} help={more.windowHelp} value={form.window} onChange={(window) => set({ window })} />
      </div>
      <div className="field-row">
        <SelectField
          label={words.pool}
          value={form.pool}
          onChange={(pool) => set({ pool })}
          choices={[
            { value: "", label: words.poolDefault },
            ...(pools.data ?? []).map((each) => ({ value: each.name, label: `${each.name} (${each.driver})` })),
          ]}
        />
        <SelectField
          label={words.targetProject}
          value={form.target_project}
          onChange={(target) => set({ target_project: target })}
          choices={(projects.data ?? []).map((each) => ({ value: each, label: each }))}
        />
      </div>
    </>
  );
}
