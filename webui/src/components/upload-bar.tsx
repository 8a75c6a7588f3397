// How far an upload is.
import { useRef } from "react";
import type { UploadProgress } from "../api/uploads";
import { texts } from "../text";
import { formatBytes } from "./bytes";
import { ProgressBar } from "./operation-progress";

const words = texts.instances.createFile;

interface UploadBarProps {
  progress: UploadProgress;
  onStop: () => void;
}

export function UploadBar({ progress, onStop }: UploadBarProps) {
  const { sentBytes, totalBytes, resumedAt, isWaiting } = progress;
  const start = useRef({ time: Date.now(), bytes: sentBytes });
  const seconds = (Date.now() - start.current.time) / 1000;
  const speed = seconds > 1 ? `, ${formatBytes((sentBytes - start.current.bytes) / seconds)}/s` : "";
  const isWhole = sentBytes >= totalBytes;
  return (
    <div className="operation">
      <div aria-live="polite">
        {resumedAt !== undefined && !isWhole && <div>{words.goesOn(formatBytes(resumedAt))}</div>}
        <div>
          {isWhole
            ? words.importing
            : isWaiting
              ? words.waiting
              : words.sending(formatBytes(sentBytes), formatBytes(totalBytes), speed)}
        </div>
      </div>
      {!isWhole && <ProgressBar percent={totalBytes === 0 ? 100 : (100 * sentBytes) / totalBytes} label={words.submit} />}
      {!isWhole && (
        <button type="button" className="p-button is-small" onClick={onStop}>
          {words.stopUpload}
        </button>
      )}
    </div>
  );
}
