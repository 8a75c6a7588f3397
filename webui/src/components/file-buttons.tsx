// What one can have of a file or directory: download it, put it back out of a snapshot.
import { fileAddress, isOfSnapshot, treeAddress, type FilePlace, type FileType } from "../api/resources/files";
import { texts } from "../text";
import { fileCommand } from "./command";
import { WithCommand } from "./command-line";

const words = texts.snapshots.files;

interface FileButtonsProps {
  place: FilePlace;
  path: string;
  type: FileType;
  onPutBack: (path: string) => void;
}

/** How commands name a path there; two slashes, so that the first directory isn't taken for a snapshot of its name. */
export const insideOf = ({ name, snapshot }: FilePlace, path: string): string =>
  snapshot === undefined ? `${name}/${path}` : `${name}/${snapshot}${path}`;

export function FileButtons({ place, path, type, onPutBack }: FileButtonsProps) {
  const isFile = type === "file";
  // As a whole, directories come out of snapshots only, where nothing moves meanwhile.
  const whole = type === "directory" && isOfSnapshot(place) ? treeAddress(place, path) : undefined;
  const address = isFile ? fileAddress(place, path) : whole;
  if (address === undefined) return null;
  const name = path.split("/").at(-1) ?? "";
  return (
    <>
      <WithCommand command={fileCommand(place, "pull", [insideOf(place, path), "."], ...(isFile ? [] : ["-r"]))}>
        <a
          className="p-button is-small"
          href={address}
          download={isFile ? name : `${name}.tar`}
          aria-label={words.downloadFile(name)}
        >
          {isFile ? texts.download : words.downloadTar}
        </a>
      </WithCommand>{" "}
      {isFile && isOfSnapshot(place) && (
        <button type="button" className="p-button is-small" aria-label={words.putBackOf(name)} onClick={() => onPutBack(path)}>
          {words.putBack}
        </button>
      )}
    </>
  );
}
