// A new volume from an export file: sent in pieces, with progress, then imported.
import { useRef, useState } from "react";
import { useNavigate } from "react-router-dom";
import type { Operation } from "../../api/client";
import { usePools } from "../../api/resources/server";
import { importVolume, upload, type UploadProgress } from "../../api/uploads";
import { ActionDialog } from "../../components/action-dialog";
import { formatBytes } from "../../components/bytes";
import { holdfast } from "../../components/command";
import { entityOf } from "../../components/entity-link";
import { TextField } from "../../components/fields";
import { FileField } from "../../components/file-field";
import { UploadBar } from "../../components/upload-bar";
import { texts } from "../../text";
import { PoolField, type CreateVolumeProps } from "./create-volume";
import { isVolumeName } from "./volume-name";

const words = texts.volumes.createFile;
const shared = texts.instances.createFile;

export function ImportVolume({ project, onClose }: CreateVolumeProps) {
  const pools = usePools();
  const navigate = useNavigate();
  const [file, setFile] = useState<File>();
  const [name, setName] = useState("");
  const [chosen, setPool] = useState("");
  const [progress, setProgress] = useState<UploadProgress>();
  const stop = useRef(new AbortController());
  const pool = chosen || (pools.data?.[0]?.name ?? "");
  const isEncrypted = file?.name.endsWith(".age") ?? false;
  const isNameFine = name === "" || isVolumeName(name);
  const run = async () => {
    stop.current = new AbortController();
    const id = await upload(file as File, project, stop.current.signal, setProgress);
    return importVolume(id, project, pool, name);
  };
  const open = (operation: Operation | undefined) => {
    const url = operation?.resources?.["storage_volumes"]?.[0];
    const address = url === undefined ? undefined : entityOf(url).address;
    if (address !== undefined) navigate(address);
  };
  const size = file === undefined ? "" : ` ${formatBytes(file.size)}.`;
  return (
    <ActionDialog
      action={{ title: words.title, done: words.done(name), run }}
      command={holdfast(project, "storage", "volume", "import", pool || "POOL", file?.name ?? "FILE", name !== "" && name)}
      submit={shared.submit}
      isReady={file !== undefined && pool !== "" && !isEncrypted && isNameFine}
      onClose={onClose}
      onDone={open}
      progress={
        progress !== undefined && (
          <UploadBar progress={progress} onStop={() => stop.current.abort(new Error(shared.stopped))} />
        )
      }
    >
      <FileField
        label={shared.file}
        help={`${shared.fileHelp}${size}`}
        error={isEncrypted ? shared.encrypted : undefined}
        onChange={setFile}
      />
      <div className="field-row">
        <TextField
          label={texts.name}
          help={shared.nameHelp}
          value={name}
          onChange={setName}
          autoComplete="off"
          error={isNameFine ? undefined : texts.volumes.badName}
        />
        <PoolField value={pool} onChange={setPool} />
      </div>
    </ActionDialog>
  );
}
