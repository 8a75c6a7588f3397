// What went wrong, in the server's own words, and what to do.
import { ApiError, UnreachableError } from "../api/client";
import { OperationError } from "../api/operations";
import { texts } from "../text";
import { FactsText, outcomeOf } from "./facts-text";

/** The text of an error, for people. */
export function errorText(error: unknown): string {
  if (error instanceof UnreachableError) return texts.error.unreachable;
  return error instanceof Error ? error.message : String(error);
}

interface ErrorNoteProps {
  error: unknown;
  title?: string;
  onRetry?: (() => void) | undefined;
}

export function ErrorNote({ error, title = texts.error.title, onRetry }: ErrorNoteProps) {
  const heading = error instanceof ApiError && error.status >= 400 ? `${title} (${error.status})` : title;
  return (
    <div className="p-notification--negative" role="alert">
      <div className="p-notification__content">
        <div className="p-notification__title">{heading}</div>
        <p className="p-notification__message error-text">{errorText(error)}</p>
        <Details error={error} />
        {onRetry !== undefined && (
          <button type="button" className="p-button" onClick={onRetry}>
            {texts.error.again}
          </button>
        )}
      </div>
    </div>
  );
}

/** What a failed operation tells besides its error, such as the console of an instance that didn't come up. */
function Details({ error }: { error: unknown }) {
  const facts = error instanceof OperationError ? outcomeOf(error.operation.metadata) : undefined;
  if (facts === undefined) return null;
  return (
    <details>
      <summary>{texts.error.details}</summary>
      <FactsText facts={facts} label={texts.error.details} />
    </details>
  );
}
