// The description of a thing, saved by itself.
import { texts } from "../text";
import { useDraft } from "./draft";
import { TextField } from "./fields";
import type { Begun } from "./run-action";
import { SavedForm } from "./saved-form";

interface DescriptionFormProps {
  what: string;
  description: string;
  command: string;
  save: (description: string) => Promise<Begun> | Promise<void>;
}

export function DescriptionForm({ what, description, command, save }: DescriptionFormProps) {
  const { draft, set, isChanged, reset } = useDraft({ description });
  return (
    <SavedForm
      action={{
        title: texts.editors.saveTitle(what),
        done: texts.editors.saved(what),
        run: () => save(draft.description),
      }}
      command={command}
      isChanged={isChanged}
      onReset={reset}
    >
      <TextField label={texts.description} value={draft.description} onChange={(value) => set({ description: value })} />
    </SavedForm>
  );
}
