// The columns of the list of volumes.
import { Link } from "react-router-dom";
import { sizeKey } from "../../api/resources/usage";
import { volumePath, type ListedVolume } from "../../api/resources/volumes";
import { ActionMenu, type MenuAction } from "../../components/action-menu";
import { Age, parseTime } from "../../components/age";
import type { Column } from "../../components/data-table";
import { EntityLink } from "../../components/entity-link";
import { MeasuredSize } from "../../components/measured-size";
import { volumeAddress } from "../../components/project";
import { texts } from "../../text";

const words = texts.volumes;

const newestOf = (volume: ListedVolume): string | undefined =>
  volume.snapshots.map((each) => each.created_at).sort().at(-1);

export function volumeColumns(
  isOfAllProjects: boolean,
  sizes: ReadonlyMap<string, number>,
  actionsOf: (volume: ListedVolume) => MenuAction[],
): Column<ListedVolume>[] {
  const project: Column<ListedVolume> = {
    key: "project",
    title: texts.project,
    cell: (each) => each.project,
    sort: (each) => each.project,
  };
  return [
    {
      key: "name",
      title: texts.name,
      isHeader: true,
      cell: (each) => (
        <span className="name-cell">
          <Link to={volumeAddress(each.pool, each.name, each.project)}>{each.name}</Link>
          {each.description !== "" && <span className="name-cell__more">{each.description}</span>}
        </span>
      ),
      sort: (each) => each.name,
    },
    ...(isOfAllProjects ? [project] : []),
    { key: "pool", title: texts.pool, className: "short-cell", cell: (each) => each.pool, sort: (each) => each.pool },
    {
      key: "content",
      title: words.content,
      cell: (each) => words.contents[each.content_type as "block"] ?? each.content_type,
      sort: (each) => each.content_type,
    },
    { key: "used", title: words.usedBy, cell: (each) => <Users urls={each.used_by} /> },
    {
      key: "size",
      title: texts.size,
      className: "number-cell",
      cell: (each) => <MeasuredSize path={volumePath(each)} project={each.project} name={each.name} />,
      sort: (each) => sizes.get(sizeKey(volumePath(each), each.project)),
    },
    {
      key: "snapshot",
      title: words.newest,
      className: "word-cell",
      cell: (each) => (
        <Link to={volumeAddress(each.pool, each.name, each.project, "snapshots")} className="quiet-link">
          <Age time={newestOf(each)} absent={texts.none} />
        </Link>
      ),
      sort: (each) => parseTime(newestOf(each)) ?? 0,
    },
    {
      key: "actions",
      title: texts.actions,
      isTitleHidden: true,
      className: "button-cell",
      cell: (each) => (
        <ActionMenu
          label="⋯"
          ariaLabel={words.actionsOf(each.name)}
          className="p-button--base icon-button"
          actions={actionsOf(each)}
        />
      ),
    },
  ];
}

function Users({ urls }: { urls: string[] }) {
  if (urls.length === 0) return <span className="u-text--muted">{words.nobody}</span>;
  return (
    <>
      {urls.map((url, index) => (
        <span key={url}>
          {index > 0 && ", "}
          <EntityLink url={url} />
        </span>
      ))}
    </>
  );
}
