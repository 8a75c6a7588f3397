// Long work: what runs, what has ended since the page was opened.
import { isRunning, useOperations } from "../../api/operations";
import { CommandLine } from "../../components/command-line";
import { holdfast } from "../../components/command";
import { OperationTable } from "../../components/operation-table";
import { Page } from "../../components/page";
import { useProjectFilter } from "../../components/project";
import { texts } from "../../text";

const words = texts.operations;

export default function OperationsPage() {
  const project = useProjectFilter();
  const all = useOperations().filter((each) => project === undefined || each.project === project);
  return (
    <Page title={texts.pages.operations}>
      <p className="page-description">{words.intro}</p>
      <h2 className="p-heading--4">{words.running}</h2>
      <OperationTable caption={words.running} operations={all.filter(isRunning)} empty={words.nothingRuns} />
      <h2 className="p-heading--4">{words.ended}</h2>
      <OperationTable
        caption={words.ended}
        operations={all.filter((each) => !isRunning(each))}
        empty={words.nothingEnded}
      />
      <CommandLine command={holdfast(project ?? "default", "operation", "list", project === undefined && "--all-projects")} />
    </Page>
  );
}
