// Files of an instance: in a snapshot, or as they are now.
import { useMemo } from "react";
import { useParams } from "react-router-dom";
import { useSnapshots } from "../../../api/resources/snapshots";
import { FileBrowser } from "../../../components/file-browser";
import type { TabProps } from "../instance-page";

export default function FilesPage({ instance: { name, project } }: TabProps) {
  const { snapshot } = useParams();
  const snapshots = useSnapshots(name, project);
  const place = useMemo(
    () => ({ name, project, ...(snapshot === undefined ? {} : { snapshot }) }),
    [name, project, snapshot],
  );
  return <FileBrowser place={place} snapshots={snapshots.data ?? []} />;
}
