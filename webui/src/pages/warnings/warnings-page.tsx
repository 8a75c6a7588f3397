// To be filled.
import { Page } from "../../components/page";
import { texts } from "../../text";

export default function WarningsPage() {
  return (
    <Page title={texts.pages.warnings}>
      <p>{texts.pages.notYet}</p>
    </Page>
  );
}
