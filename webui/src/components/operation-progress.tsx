// How far an operation is, and a way to stop it.
import { cancel, isRunning, progressOf, useOperation } from "../api/operations";
import { texts } from "../text";
import { tellFailure } from "./run-action";

export function ProgressBar({ percent, label }: { percent: number | undefined; label: string }) {
  return <progress className="progress" aria-label={label} {...(percent === undefined ? {} : { value: percent, max: 100 })} />;
}

export function OperationProgress({ id }: { id: string }) {
  const operation = useOperation(id);
  if (operation === undefined) return null;
  const progress = progressOf(operation);
  return (
    <div className="operation">
      <div className="operation__text" aria-live="polite">
        {operation.description}: {operation.status}
        {progress !== undefined && ` · ${progress.stage}`}
      </div>
      {isRunning(operation) && (
        <ProgressBar percent={progress?.percent} label={`${texts.operation.progress}: ${operation.description}`} />
      )}
      {isRunning(operation) && operation.may_cancel && (
        <button
          type="button"
          className="p-button is-small"
          onClick={() => void cancel(operation).catch((error: unknown) => tellFailure(operation.description, error))}
        >
          {texts.operation.stop}
        </button>
      )}
    </div>
  );
}
