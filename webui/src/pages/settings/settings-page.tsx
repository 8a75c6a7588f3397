// To be filled.
import { Page } from "../../components/page";
import { texts } from "../../text";

export default function SettingsPage() {
  return (
    <Page title={texts.pages.settings}>
      <p>{texts.pages.notYet}</p>
    </Page>
  );
}
