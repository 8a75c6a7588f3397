// What uses a thing, as links.
import { EntityLink } from "./entity-link";

export function UsedBy({ urls, nobody }: { urls: string[]; nobody: string }) {
  if (urls.length === 0) return <p className="u-text--muted">{nobody}</p>;
  return (
    <ul className="used-by">
      {urls.map((url) => (
        <li key={url}>
          <EntityLink url={url} />
        </li>
      ))}
    </ul>
  );
}
