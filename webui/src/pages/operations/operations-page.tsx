// To be filled.
import { Page } from "../../components/page";
import { texts } from "../../text";

export default function OperationsPage() {
  return (
    <Page title={texts.pages.operations}>
      <p>{texts.pages.notYet}</p>
    </Page>
  );
}
