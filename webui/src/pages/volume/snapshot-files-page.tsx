// Files of a snapshot of a volume.
import { useMemo } from "react";
import { useParams } from "react-router-dom";
import { SnapshotFiles } from "../../components/snapshot-files";
import type { VolumeTabProps } from "./volume-page";

export default function SnapshotFilesPage({ volume: { pool, name, project } }: VolumeTabProps) {
  const { snapshot = "" } = useParams();
  const place = useMemo(() => ({ pool, name, project, snapshot }), [pool, name, project, snapshot]);
  return <SnapshotFiles place={place} />;
}
