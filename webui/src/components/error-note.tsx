// What went wrong, in the server's own words, and what to do.
import { ApiError, UnreachableError } from "../api/client";
import { texts } from "../text";

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
        {onRetry !== undefined && (
          <button type="button" className="p-button" onClick={onRetry}>
            {texts.error.again}
          </button>
        )}
      </div>
    </div>
  );
}
