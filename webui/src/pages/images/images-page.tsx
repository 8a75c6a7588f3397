// To be filled.
import { Page } from "../../components/page";
import { texts } from "../../text";

export default function ImagesPage() {
  return (
    <Page title={texts.pages.images}>
      <p>{texts.pages.notYet}</p>
    </Page>
  );
}
