// Downloads an export file under a name that says how it is compressed: that stands in its first bytes.
import { send } from "../api/client";
import { texts } from "../text";
import { tellFailure } from "./run-action";

const LONGEST_MAGIC_BYTES = 6;
const MAGICS: readonly (readonly [string, string])[] = [
  ["1f8b", ".gz"],
  ["28b52ffd", ".zst"],
  ["fd377a585a00", ".xz"],
  ["425a68", ".bz2"],
  ["5d0000", ".lzma"],
];

async function extensionOf(address: string): Promise<string> {
  const answer = await send("GET", address, { headers: { Range: `bytes=0-${LONGEST_MAGIC_BYTES - 1}` } });
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const start = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `.tar${MAGICS.find(([magic]) => start.startsWith(magic))?.[1] ?? ""}`;
}

interface DownloadExportProps {
  address: string;
  /** The name of the file without what tells the compression. */
  stem: string;
  label: string;
}

export function DownloadExport({ address, stem, label }: DownloadExportProps) {
  const download = async () => {
    try {
      const link = document.createElement("a");
      link.href = address;
      link.download = stem + (await extensionOf(address));
      link.click();
    } catch (error) {
      tellFailure(label, error);
    }
  };
  return (
    <a
      className="p-button is-small"
      href={address}
      download={`${stem}.tar`}
      aria-label={label}
      onClick={(event) => {
        event.preventDefault();
        void download();
      }}
    >
      {texts.download}
    </a>
  );
}
