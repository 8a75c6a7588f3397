// Files of a volume: in a snapshot, or as they are now.
import { useMemo } from "react";
import { useParams } from "react-router-dom";
import { useVolumeSnapshots } from "../../api/resources/volumes";
import { FileBrowser } from "../../components/file-browser";
import type { VolumeTabProps } from "./volume-page";

export default function FilesPage({ volume: { pool, name, project } }: VolumeTabProps) {
  const { snapshot } = useParams();
  const snapshots = useVolumeSnapshots({ pool, name, project });
  const place = useMemo(
    () => ({ pool, name, project, ...(snapshot === undefined ? {} : { snapshot }) }),
    [pool, name, project, snapshot],
  );
  return <FileBrowser place={place} snapshots={snapshots.data ?? []} />;
}
