// To be filled.
import { Page } from "../../components/page";
import { texts } from "../../text";

export default function PoolsPage() {
  return (
    <Page title={texts.pages.pools}>
      <p>{texts.pages.notYet}</p>
    </Page>
  );
}
