// To be filled.
import { Page } from "../../components/page";
import { texts } from "../../text";

export default function OverviewPage() {
  return (
    <Page title={texts.pages.overview}>
      <p>{texts.pages.notYet}</p>
    </Page>
  );
}
