// Who is signed in, how the page looks to them, and the way out.
import { useSession } from "../api/resources/server";
import { texts } from "../text";
import { signOut } from "./sign-out";
import { chooseTheme, useTheme } from "./theme";
import { chooseTimeStyle, useTimeStyle } from "./time-style";

export function SessionMenu() {
  const session = useSession();
  const theme = useTheme();
  const times = useTimeStyle();
  return (
    <div className="session">
      <SideChoice label={texts.layout.theme} value={theme} choices={texts.layout.themes} onChoose={chooseTheme} />
      <SideChoice label={texts.layout.times} value={times} choices={texts.layout.timeStyles} onChoose={chooseTimeStyle} />
      {session.data !== undefined && <p className="session__name">{texts.layout.signedInAs(session.data.name)}</p>}
      {session.data?.by === "browser" && (
        <button type="button" className="p-button is-small" onClick={() => void signOut()}>
          {texts.layout.signOut}
        </button>
      )}
    </div>
  );
}

interface SideChoiceProps<Value extends string> {
  label: string;
  value: Value;
  choices: Record<Value, string>;
  onChoose: (value: Value) => void;
}

function SideChoice<Value extends string>({ label, value, choices, onChoose }: SideChoiceProps<Value>) {
  return (
    <label className="side-field">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChoose(event.target.value as Value)}>
        {Object.entries<string>(choices).map(([each, text]) => (
          <option key={each} value={each}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
