// The log files of an instance, and what its console has shown.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, send, withQuery } from "../../../api/client";
import { useResource } from "../../../api/query-client";
import { holdfast } from "../../../components/command";
import { CommandLine } from "../../../components/command-line";
import { SelectField } from "../../../components/fields";
import { Loaded } from "../../../components/loaded";
import { texts } from "../../../text";
import type { TabProps } from "../instance-page";

const words = texts.instance.logs;
/** Of a long log only the end is shown: a browser draws some hundred thousand characters well, not millions. */
const LONGEST_CHARACTERS = 200_000;
const CONSOLE = "console";

export default function LogsTab({ instance }: TabProps) {
  const { name, project } = instance;
  const logs = useResource<string[]>(api`/1.0/instances/${name}/logs`, { project });
  const [chosen, setChosen] = useState(CONSOLE);
  const files = (logs.data ?? []).map((url) => decodeURIComponent(url.split("?")[0]?.split("/").at(-1) ?? ""));
  const choices = [
    { value: CONSOLE, label: words.consoleLog },
    ...files.map((file) => ({ value: file, label: file })),
  ];
  const path = chosen === CONSOLE ? api`/1.0/instances/${name}/console` : api`/1.0/instances/${name}/logs/${chosen}`;
  return (
    <Loaded query={logs}>
      {() => (
        <>
          <SelectField label={words.file} value={chosen} onChange={setChosen} choices={choices} />
          <LogText key={path} path={path} project={project} file={chosen === CONSOLE ? "console.log" : chosen} />
          <CommandLine
            command={
              chosen === CONSOLE
                ? holdfast(project, "console", name, "--show-log")
                : holdfast(project, "info", name, "--show-log")
            }
          />
        </>
      )}
    </Loaded>
  );
}

function LogText({ path, project, file }: { path: string; project: string; file: string }) {
  const log = useQuery({
    queryKey: [path, { project }, "text"],
    queryFn: async ({ signal }) => (await send("GET", path, { query: { project }, signal })).text(),
    staleTime: 0,
  });
  return (
    <>
      <div className="toolbar">
        <button type="button" className="p-button" onClick={() => void log.refetch()}>
          {words.again}
        </button>
        <a className="p-button" href={withQuery(path, { project })} download={file}>
          {words.download}
        </a>
      </div>
      <Loaded query={log}>
        {(text) =>
          text.trim() === "" ? (
            <p className="table-empty">{words.emptyFile}</p>
          ) : (
            // What scrolls must be reachable by keyboard.
            // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
            <pre className="log" tabIndex={0} role="region" aria-label={file}>
              {readable(text.slice(-LONGEST_CHARACTERS))}
            </pre>
          )
        }
      </Loaded>
    </>
  );
}

/** Take out what steers a terminal and would be boxes in a text. */
function readable(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Za-z0-9]|[\x00-\x08\x0b-\x1f\x7f]/g, "");
}
