// The server's settings, and who may use it: certificates, tokens, browsers.
import { Route, Routes } from "react-router-dom";
import { NotFound } from "../../components/not-found";
import { Page } from "../../components/page";
import { inProject, useProjectFilter } from "../../components/project";
import { Tabs } from "../../components/tabs";
import { texts } from "../../text";
import { BrowsersTab } from "./browsers-tab";
import { CertificatesTab } from "./certificates-tab";
import { ServerTab } from "./server-tab";
import { TokensTab } from "./tokens-tab";

const words = texts.settings.tabs;

export default function SettingsPage() {
  const project = useProjectFilter();
  const at = (tab: string) => inProject(`/settings${tab}`, project);
  return (
    <Page title={texts.pages.settings}>
      <Tabs
        label={words.label}
        tabs={[
          { label: words.server, to: at(""), isExact: true },
          { label: words.certificates, to: at("/certificates") },
          { label: words.tokens, to: at("/tokens") },
          { label: words.browsers, to: at("/browsers") },
        ]}
      />
      <Routes>
        <Route index element={<ServerTab />} />
        <Route path="certificates" element={<CertificatesTab />} />
        <Route path="tokens" element={<TokensTab />} />
        <Route path="browsers" element={<BrowsersTab />} />
        <Route path="*" element={<NotFound />} />
      </Routes>
    </Page>
  );
}
