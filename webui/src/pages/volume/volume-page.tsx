// To be filled.
import { Page } from "../../components/page";
import { texts } from "../../text";

export default function VolumePage() {
  return (
    <Page title={texts.pages.volumes}>
      <p>{texts.pages.notYet}</p>
    </Page>
  );
}
