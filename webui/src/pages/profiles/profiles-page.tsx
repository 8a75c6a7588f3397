// To be filled.
import { Page } from "../../components/page";
import { texts } from "../../text";

export default function ProfilesPage() {
  return (
    <Page title={texts.pages.profiles}>
      <p>{texts.pages.notYet}</p>
    </Page>
  );
}
