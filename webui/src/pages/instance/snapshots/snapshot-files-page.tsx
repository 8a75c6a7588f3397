// Files of a snapshot of an instance.
import { useMemo } from "react";
import { useParams } from "react-router-dom";
import { useSnapshots } from "../../../api/resources/snapshots";
import { SnapshotFiles } from "../../../components/snapshot-files";
import type { TabProps } from "../instance-page";

export default function SnapshotFilesPage({ instance: { name, project } }: TabProps) {
  const { snapshot = "" } = useParams();
  const snapshots = useSnapshots(name, project);
  const place = useMemo(() => ({ name, project, snapshot }), [name, project, snapshot]);
  return <SnapshotFiles place={place} snapshots={snapshots.data ?? []} />;
}
