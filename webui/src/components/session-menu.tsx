// Who is signed in, light or dark, and the way out.
import { useSession } from "../api/resources/server";
import { texts } from "../text";
import { signOut } from "./sign-out";
import { chooseTheme, useTheme, type Theme } from "./theme";

export function SessionMenu() {
  const session = useSession();
  const theme = useTheme();
  return (
    <div className="session">
      <label className="side-field">
        <span>{texts.layout.theme}</span>
        <select value={theme} onChange={(event) => chooseTheme(event.target.value as Theme)}>
          {Object.entries(texts.layout.themes).map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      </label>
      {session.data !== undefined && <p className="session__name">{texts.layout.signedInAs(session.data.name)}</p>}
      {session.data?.by === "browser" && (
        <button type="button" className="p-button is-small" onClick={() => void signOut()}>
          {texts.layout.signOut}
        </button>
      )}
    </div>
  );
}
