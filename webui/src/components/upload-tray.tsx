// The uploads that are under way, beside the navigation: found again wherever one goes.
import { useUploads } from "../api/upload-list";
import { texts } from "../text";
import { formatBytes } from "./bytes";
import { ProgressBar } from "./operation-progress";

const words = texts.upload;

export function UploadTray() {
  const uploads = useUploads();
  return (
    <>
      {uploads.map(({ id, name, progress, stop }) => (
        <div key={id} className="upload-tray">
          <div>{words.tray(name, formatBytes(progress.sentBytes), formatBytes(progress.totalBytes))}</div>
          <ProgressBar percent={(100 * progress.sentBytes) / Math.max(progress.totalBytes, 1)} label={name} />
          <button type="button" className="p-button is-small" aria-label={`${words.stop} ${name}`} onClick={stop}>
            {words.stop}
          </button>
        </div>
      ))}
    </>
  );
}
