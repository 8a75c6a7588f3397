// For addresses that lead nowhere.
import { texts } from "../text";
import { Page } from "./page";

export function NotFound() {
  return (
    <Page title={texts.error.notFound}>
      <p>{texts.error.notFoundHelp}</p>
    </Page>
  );
}
