// How far a client or browser is let in: everywhere, or in some projects.
import { useProjectNames } from "../../api/resources/server";
import type { Reach } from "../../api/resources/trust";
import { CheckField, SelectField } from "../../components/fields";
import { texts } from "../../text";

const words = texts.settings.reach;

export const EVERYWHERE: Reach = { restricted: false, projects: [] };

export const isReachWhole = (reach: Reach): boolean => !reach.restricted || reach.projects.length > 0;

/** The options of commands that say the same. */
export const reachOptions = (reach: Reach): string[] =>
  reach.restricted ? ["--restricted", "--projects", reach.projects.join(",") || "NAME"] : [];

export const reachText = (reach: Reach): string =>
  reach.restricted ? reach.projects.join(", ") || texts.none : words.everything;

export function ReachFields({ reach, onChange }: { reach: Reach; onChange: (reach: Reach) => void }) {
  const projects = useProjectNames();
  const toggle = (name: string, isOn: boolean) =>
    onChange({
      ...reach,
      projects: isOn ? [...reach.projects, name] : reach.projects.filter((each) => each !== name),
    });
  return (
    <>
      <SelectField
        label={words.label}
        value={reach.restricted ? "projects" : "everything"}
        onChange={(value) => onChange({ ...reach, restricted: value === "projects" })}
        choices={[
          { value: "everything", label: words.everything },
          { value: "projects", label: words.projects },
        ]}
      />
      {reach.restricted && (
        <fieldset className="choices">
          <legend>{words.chosen}</legend>
          {(projects.data ?? []).map((name) => (
            <CheckField
              key={name}
              label={name}
              isChecked={reach.projects.includes(name)}
              onChange={(isOn) => toggle(name, isOn)}
            />
          ))}
        </fieldset>
      )}
    </>
  );
}
