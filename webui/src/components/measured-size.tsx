// A size that is measured when one asks for it, and shown from then on.
import { noteMeasured, useRememberedUsage, useUsage } from "../api/resources/usage";
import { texts } from "../text";
import { formatTime, parseTime } from "./age";
import { formatBytes } from "./bytes";
import { tellFailure } from "./run-action";
import { useTimeStyle } from "./time-style";

const words = texts.measure;

interface MeasuredSizeProps {
  /** The API's path of the instance or volume. */
  path: string;
  project: string;
  snapshot?: string;
  /** Whose size it is; for screen readers. */
  name: string;
}

export function MeasuredSize({ path, project, snapshot, name }: MeasuredSizeProps) {
  const usage = useUsage(path, project, snapshot);
  const remembered = useRememberedUsage(path, project, snapshot);
  const style = useTimeStyle();
  const measure = async () => {
    const { error } = await usage.refetch();
    if (error !== null) tellFailure(words.title(name), error);
    else noteMeasured();
  };
  if (usage.isFetching) return <span role="status">{words.running}</span>;
  const data = usage.data ?? remembered;
  const shown = data === undefined ? words.measure : `${data.complete ? "" : "> "}${formatBytes(data.bytes)}`;
  const at = data === undefined ? undefined : formatTime(parseTime(data.measured_at) ?? usage.dataUpdatedAt);
  return (
    <>
      <button
        type="button"
        className="measure"
        title={at === undefined ? words.help : words.measuredAt(at)}
        aria-label={`${shown}: ${name}`}
        onClick={() => void measure()}
      >
        {shown}
      </button>
      {style === "exact" && at !== undefined && <span className="measure__at">{words.at(at)}</span>}
    </>
  );
}
