// The settings of a pool as a form.
import { putPool, type Pool } from "../../api/resources/pools";
import { holdfast } from "../../components/command";
import { useDraft } from "../../components/draft";
import { TextField } from "../../components/fields";
import { SavedForm } from "../../components/saved-form";
import { changedPairs, settingCommands } from "../../components/setting-commands";
import { SettingsEditor } from "../../components/settings-editor";
import { texts } from "../../text";

const SUGGESTIONS = ["rsync.bwlimit", "volume.size", "volume.snapshots.expiry", "volume.snapshots.schedule"];
/** What a pool is made of can't be changed later. */
const isFixed = (key: string): boolean => key === "source" || key.startsWith("volatile.");

export function PoolSettings({ pool }: { pool: Pool }) {
  const { name, description } = pool;
  const config = pool.config ?? {};
  const { draft, set, isChanged, reset } = useDraft({ description, config });
  const changes = changedPairs(config, draft.config);
  const what = `${texts.pool} ${name}`;
  return (
    <SavedForm
      action={{
        title: texts.editors.saveTitle(what),
        done: texts.editors.saved(what),
        run: () => putPool(name, draft),
      }}
      command={
        changes.length > 0 && draft.description === description
          ? settingCommands("default", ["storage"], [name], changes)
          : `${holdfast("default", "storage", "edit", name)} < ${name}.yaml`
      }
      isChanged={isChanged}
      onReset={reset}
    >
      <TextField label={texts.description} value={draft.description} onChange={(value) => set({ description: value })} />
      <SettingsEditor
        settings={draft.config}
        onChange={(value) => set({ config: value })}
        suggestions={SUGGESTIONS}
        isFixed={isFixed}
      />
    </SavedForm>
  );
}
