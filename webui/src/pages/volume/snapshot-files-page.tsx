// Files of a snapshot of a volume.
import { useMemo } from "react";
import { useParams } from "react-router-dom";
import { useVolumeSnapshots } from "../../api/resources/volumes";
import { SnapshotFiles } from "../../components/snapshot-files";
import type { VolumeTabProps } from "./volume-page";

export default function SnapshotFilesPage({ volume: { pool, name, project } }: VolumeTabProps) {
  const { snapshot = "" } = useParams();
  const snapshots = useVolumeSnapshots({ pool, name, project });
  const place = useMemo(() => ({ pool, name, project, snapshot }), [pool, name, project, snapshot]);
  return <SnapshotFiles place={place} snapshots={snapshots.data ?? []} />;
}
