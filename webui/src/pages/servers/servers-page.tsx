// To be filled.
import { Page } from "../../components/page";
import { texts } from "../../text";

export default function ServersPage() {
  return (
    <Page title={texts.pages.servers}>
      <p>{texts.pages.notYet}</p>
    </Page>
  );
}
