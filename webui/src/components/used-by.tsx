// What uses a thing, as links, by kind; snapshots are counted with what they are of.
import { texts } from "../text";
import { EntityLink } from "./entity-link";

const words = texts.usedBy;
const KINDS: Record<string, string> = words.kinds;

interface User {
  url: string;
  snapshots: number;
}

/** The users that aren't snapshots, with how many of those each has. */
export function usersOf(urls: string[]): User[] {
  const counts = new Map<string, number>();
  for (const url of urls) {
    const owner = url.replace(/\/snapshots\/[^/?]+/, "");
    counts.set(owner, (counts.get(owner) ?? 0) + (owner === url ? 0 : 1));
  }
  return [...counts].map(([url, snapshots]) => ({ url, snapshots }));
}

const kindOf = (url: string): string => url.split("/")[2]?.split("?")[0] ?? "";

export function UsedBy({ urls, nobody }: { urls: string[]; nobody: string }) {
  if (urls.length === 0) return <p className="u-text--muted">{nobody}</p>;
  const users = usersOf(urls);
  const kinds = [...new Set(users.map((user) => kindOf(user.url)))];
  return (
    <>
      {kinds.map((kind) => (
        <section key={kind}>
          {kinds.length > 1 && <h3 className="field-title">{KINDS[kind] ?? kind}</h3>}
          <ul className="used-by">
            {users
              .filter((user) => kindOf(user.url) === kind)
              .map(({ url, snapshots }) => (
                <li key={url}>
                  <EntityLink url={url} />
                  {snapshots > 0 && <span className="u-text--muted"> {words.snapshots(snapshots)}</span>}
                </li>
              ))}
          </ul>
        </section>
      ))}
    </>
  );
}
