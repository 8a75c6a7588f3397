// What one can have of a file or directory in a snapshot: download it, put it back.
import { fileAddress, treeAddress, type FileType, type SnapshotPlace } from "../api/resources/files";
import { texts } from "../text";
import { fileCommand } from "./command";
import { WithCommand } from "./command-line";

const words = texts.snapshots.files;

interface FileButtonsProps {
  place: SnapshotPlace;
  path: string;
  type: FileType;
  onPutBack: (path: string) => void;
}

export function FileButtons({ place, path, type, onPutBack }: FileButtonsProps) {
  if (type !== "file" && type !== "directory") return null;
  const name = path.split("/").at(-1) ?? "";
  const inside = `${place.name}/${place.snapshot}${path}`;
  const isFile = type === "file";
  return (
    <>
      <WithCommand command={fileCommand(place, "pull", [inside, "."], ...(isFile ? [] : ["-r"]))}>
        <a
          className="p-button is-small"
          href={isFile ? fileAddress(place, path) : treeAddress(place, path)}
          download={isFile ? name : `${name}.tar`}
          aria-label={words.downloadFile(name)}
        >
          {isFile ? texts.download : words.downloadTar}
        </a>
      </WithCommand>{" "}
      {isFile && (
        <button type="button" className="p-button is-small" aria-label={words.putBackOf(name)} onClick={() => onPutBack(path)}>
          {words.putBack}
        </button>
      )}
    </>
  );
}
