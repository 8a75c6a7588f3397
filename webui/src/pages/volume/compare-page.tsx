// Which files of a volume changed between two points.
import { useVolumeSnapshots, volumePath } from "../../api/resources/volumes";
import { holdfast } from "../../components/command";
import { CompareFrame } from "../../components/compare-frame";
import type { VolumeTabProps } from "./volume-page";

export default function ComparePage({ volume }: VolumeTabProps) {
  const { pool, name, project } = volume;
  return (
    <CompareFrame
      place={{ pool, name, project }}
      subject={volumePath(volume)}
      query={useVolumeSnapshots(volume)}
      commandOf={(from, to) => holdfast(project, "storage", "volume", "diff", pool, `${name}/${from}`, to !== "" && to)}
    />
  );
}
