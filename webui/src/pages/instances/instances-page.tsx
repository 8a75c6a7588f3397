// To be filled.
import { Page } from "../../components/page";
import { texts } from "../../text";

export default function InstancesPage() {
  return (
    <Page title={texts.pages.instances}>
      <p>{texts.pages.notYet}</p>
    </Page>
  );
}
