// Images: what instances are made of.
import { useMemo, useState } from "react";
import { imageAddress, type Image } from "../../api/resources/images";
import { useImages } from "../../api/resources/server";
import { ActionMenu } from "../../components/action-menu";
import { Age, parseTime } from "../../components/age";
import { Bytes } from "../../components/bytes";
import { CommandLine } from "../../components/command-line";
import { holdfast } from "../../components/command";
import { DataTable, type Column } from "../../components/data-table";
import { Loaded } from "../../components/loaded";
import { Page } from "../../components/page";
import { useProject } from "../../components/project";
import { SearchBox } from "../../components/search-box";
import { texts } from "../../text";
import { BuildImage, ImportImage } from "./add-image";
import { ChangeImage, DeleteImage } from "./image-dialogs";
import { aliasesOf, imageName, shortFingerprint } from "./image-name";

const words = texts.images;

type Verb = "edit" | "remove";
interface Shown {
  verb: Verb;
  image: Image;
}

export default function ImagesPage() {
  const project = useProject();
  const images = useImages(project);
  const [way, setWay] = useState<"build" | "file">();
  const [wanted, setWanted] = useState("");
  const [shown, setShown] = useState<Shown>();
  const columns = useMemo(() => imageColumns(project, setShown), [project]);
  const matches = (image: Image) =>
    [...aliasesOf(image), image.fingerprint, image.properties["description"] ?? ""]
      .join(" ")
      .toLowerCase()
      .includes(wanted.trim().toLowerCase());
  const close = () => setShown(undefined);
  return (
    <Page
      title={texts.pages.images}
      actions={
        <ActionMenu
          className="p-button--positive"
          label={words.add}
          actions={(["build", "file"] as const).map((each) => ({
            label: words.addWays[each],
            onSelect: () => setWay(each),
          }))}
        />
      }
    >
      <div className="toolbar" role="search">
        <SearchBox label={words.searchLabel} value={wanted} onChange={setWanted} />
      </div>
      <Loaded query={images}>
        {(all) => (
          <DataTable
            caption={texts.pages.images}
            columns={columns}
            rows={all.filter(matches)}
            rowKey={(image) => image.fingerprint}
            sortedBy="alias"
            empty={all.length === 0 ? words.empty : texts.table.noMatch}
          />
        )}
      </Loaded>
      <CommandLine command={holdfast(project, "image", "list")} />
      {way === "build" && <BuildImage project={project} onClose={() => setWay(undefined)} />}
      {way === "file" && <ImportImage project={project} onClose={() => setWay(undefined)} />}
      {shown?.verb === "edit" && <ChangeImage image={shown.image} project={project} onClose={close} />}
      {shown?.verb === "remove" && <DeleteImage image={shown.image} project={project} onClose={close} />}
    </Page>
  );
}

function imageColumns(project: string, show: (shown: Shown) => void): Column<Image>[] {
  return [
    {
      key: "alias",
      title: words.alias,
      isHeader: true,
      cell: (image) => (
        <span className="name-cell">
          <span>
            {aliasesOf(image).join(", ") || <span className="u-text--muted">{words.noAlias}</span>}{" "}
            {image.public && <span className="status status--caution">{words.isPublic}</span>}
          </span>
          <span className="name-cell__more">{image.properties["description"]}</span>
        </span>
      ),
      sort: (image) => aliasesOf(image)[0] ?? `~${image.fingerprint}`,
    },
    {
      key: "fingerprint",
      title: words.fingerprint,
      className: "word-cell",
      cell: (image) => <code title={image.fingerprint}>{shortFingerprint(image)}</code>,
    },
    {
      key: "type",
      title: texts.type,
      cell: (image) => texts.instances.types[image.type as "container"] ?? image.type,
      sort: (image) => image.type,
    },
    { key: "architecture", title: words.architecture, cell: (image) => image.architecture },
    {
      key: "size",
      title: texts.size,
      className: "number-cell",
      cell: (image) => <Bytes value={image.size} />,
      sort: (image) => image.size,
    },
    {
      key: "added",
      title: words.added,
      className: "word-cell",
      cell: (image) => <Age time={image.uploaded_at} />,
      sort: (image) => parseTime(image.uploaded_at) ?? 0,
    },
    {
      key: "used",
      title: words.used,
      className: "word-cell",
      cell: (image) => <Age time={image.last_used_at} />,
      sort: (image) => parseTime(image.last_used_at) ?? 0,
    },
    {
      key: "actions",
      title: texts.actions,
      isTitleHidden: true,
      className: "button-cell",
      cell: (image) => (
        <>
          <a
            className="p-button is-small"
            href={imageAddress(image.fingerprint, project)}
            download
            aria-label={`${words.download} ${imageName(image)}`}
          >
            {words.download}
          </a>{" "}
          <ActionMenu
            label="⋯"
            ariaLabel={words.actionsOf(imageName(image))}
            className="p-button--base icon-button"
            actions={[
              { label: words.edit, onSelect: () => show({ verb: "edit", image }) },
              { label: words.remove, isDangerous: true, onSelect: () => show({ verb: "remove", image }) },
            ]}
          />
        </>
      ),
    },
  ];
}
