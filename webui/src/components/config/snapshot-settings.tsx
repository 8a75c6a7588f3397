// The keys of snapshots as a form that people understand: when, how they are called, how long and how many stay.
// For instances, profiles and volumes alike.
import { useDeferredValue } from "react";
import { useSchedulePreview } from "../../api/resources/schedule-preview";
import { texts } from "../../text";
import { Age, parseTime } from "../age";
import { SelectField, TextField } from "../fields";
import type { ConfigDraft } from "./config-draft";
import { FurtherSchedules } from "./further-schedules";
import { KeepEditor } from "./keep-editor";
import { KeptPreview } from "./kept-preview";
import { ScheduleEditor } from "./schedule-editor";

const words = texts.configuration;

interface SnapshotSettingsProps {
  draft: ConfigDraft;
  project: string;
  /** The names of all keys that are set. */
  names: string[];
  /** Whose snapshots the preview counts; neither for profiles. */
  instance?: string;
  pool?: string;
  volume?: string;
}

export function SnapshotSettings({ draft, project, names, instance, pool, volume }: SnapshotSettingsProps) {
  const isOfVolume = volume !== undefined;
  const effective = (key: string) => draft.valueOf(key) || (draft.inheritedOf(key) ?? "");
  const wanted = useDeferredValue(
    JSON.stringify({
      ...(instance === undefined ? {} : { instance }),
      ...(isOfVolume ? { pool, volume } : {}),
      schedule: effective("snapshots.schedule"),
      pattern: effective("snapshots.pattern"),
      keep: effective("snapshots.keep"),
      expiry: effective("snapshots.expiry"),
    }),
  );
  // A profile has no snapshots of its own to count.
  const preview = useSchedulePreview(project, JSON.parse(wanted), instance !== undefined || isOfVolume);
  const placeholder = (key: string, fallback: string) => draft.inheritedOf(key) ?? fallback;
  return (
    <>
      <section className="card">
        <h2 className="p-heading--5">{words.schedule.title}</h2>
        <ScheduleEditor
          value={draft.valueOf("snapshots.schedule")}
          onChange={(value) => draft.set("snapshots.schedule", value)}
          inherited={draft.inheritedOf("snapshots.schedule")}
          isOfVolume={isOfVolume}
          preview={preview.data}
        />
        {!isOfVolume && (
          <SelectField
            label={words.schedule.alsoStopped}
            value={draft.valueOf("snapshots.schedule.stopped")}
            onChange={(value) => draft.set("snapshots.schedule.stopped", value)}
            choices={[
              { value: "", label: `(${draft.inheritedOf("snapshots.schedule.stopped") ?? texts.no})` },
              { value: "true", label: texts.yes },
              { value: "false", label: texts.no },
            ]}
          />
        )}
        <TextField
          label={words.pattern.label}
          help={preview.data?.name ? words.pattern.next(preview.data.name) : words.pattern.help}
          value={draft.valueOf("snapshots.pattern")}
          placeholder={placeholder("snapshots.pattern", "snap%d")}
          onChange={(value) => draft.set("snapshots.pattern", value)}
          error={preview.data?.errors.pattern || undefined}
          autoComplete="off"
          spellCheck={false}
        />
      </section>
      <section className="card">
        <h2 className="p-heading--5">{words.expiry.title}</h2>
        <div className="field-row">
          <TextField
            label={words.expiry.scheduled}
            help={words.expiry.help}
            value={draft.valueOf("snapshots.expiry")}
            placeholder={placeholder("snapshots.expiry", "")}
            onChange={(value) => draft.set("snapshots.expiry", value)}
            error={preview.data?.errors.expiry || undefined}
            autoComplete="off"
          />
          <TextField
            label={words.expiry.manual}
            help={words.expiry.manualHelp}
            value={draft.valueOf("snapshots.expiry.manual")}
            placeholder={placeholder("snapshots.expiry.manual", "")}
            onChange={(value) => draft.set("snapshots.expiry.manual", value)}
            autoComplete="off"
          />
          {!isOfVolume && (
            <TextField
              label={words.expiry.undo}
              help={words.expiry.undoHelp}
              value={draft.valueOf("snapshots.undo")}
              placeholder={placeholder("snapshots.undo", "1d")}
              onChange={(value) => draft.set("snapshots.undo", value)}
              autoComplete="off"
            />
          )}
        </div>
        {preview.data !== undefined && preview.data.errors.expiry === "" && (
          <p role="status">
            {parseTime(preview.data.expires_at) === undefined ? (
              words.expiry.wouldNever
            ) : (
              <>
                {words.expiry.would} <Age time={preview.data.expires_at} />.
              </>
            )}
          </p>
        )}
        <KeepEditor
          value={draft.valueOf("snapshots.keep")}
          inherited={draft.inheritedOf("snapshots.keep")}
          onChange={(value) => draft.set("snapshots.keep", value)}
          error={preview.data?.errors.keep || undefined}
        />
        {preview.data !== undefined && <KeptPreview planned={preview.data.kept} />}
      </section>
      <FurtherSchedules draft={draft} names={names} />
    </>
  );
}
