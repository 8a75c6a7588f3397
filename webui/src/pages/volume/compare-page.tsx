// Which files of a volume changed between two points.
import { useVolumeSnapshots, volumePath, type VolumeSnapshot } from "../../api/resources/volumes";
import { useChosenPoints } from "../../components/chosen-points";
import { CommandLine } from "../../components/command-line";
import { holdfast } from "../../components/command";
import { FileChanges } from "../../components/file-changes";
import { Loaded } from "../../components/loaded";
import { texts } from "../../text";
import type { VolumeTabProps } from "./volume-page";

const words = texts.snapshots.compare;

export default function ComparePage({ volume }: VolumeTabProps) {
  const snapshots = useVolumeSnapshots(volume);
  return (
    <>
      <h2 className="p-heading--4">{words.title}</h2>
      <Loaded query={snapshots}>{(all) => <Comparison volume={volume} snapshots={all} />}</Loaded>
    </>
  );
}

function Comparison({ volume, snapshots }: VolumeTabProps & { snapshots: VolumeSnapshot[] }) {
  const { pool, name, project } = volume;
  const { from, to, path, fields } = useChosenPoints(snapshots);
  return (
    <>
      {fields}
      {from === to ? (
        <p>{words.same}</p>
      ) : (
        <>
          <FileChanges subject={volumePath(volume)} project={project} from={from} to={to} path={path} />
          <CommandLine
            command={holdfast(project, "storage", "volume", "diff", pool, `${name}/${from}`, to !== "" && to)}
          />
        </>
      )}
    </>
  );
}
