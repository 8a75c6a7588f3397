// Browsers that are signed in: to see, sign out, and let another one in.
import { useRef, useState } from "react";
import { BROWSERS, makeLink, revokeBrowser, useBrowsers, type Browser, type SignInLink } from "../../api/resources/trust";
import { useSession } from "../../api/resources/server";
import { ActionDialog } from "../../components/action-dialog";
import { Age, parseTime } from "../../components/age";
import { CommandLine } from "../../components/command-line";
import { holdfast } from "../../components/command";
import { ConfirmDialog } from "../../components/confirm-dialog";
import { DataTable, type Column } from "../../components/data-table";
import { Loaded } from "../../components/loaded";
import { SecretDialog } from "../../components/secret-dialog";
import { signOut } from "../../components/sign-out";
import { texts } from "../../text";
import { EVERYWHERE, isReachWhole, ReachFields, reachOptions, reachText } from "./reach-fields";

const words = texts.settings.browsers;

export function BrowsersTab() {
  const browsers = useBrowsers();
  const session = useSession();
  const [isInviting, setInviting] = useState(false);
  const [link, setLink] = useState<SignInLink>();
  const [revoked, setRevoked] = useState<Browser>();
  const isFull = session.data?.access === "full";
  return (
    <>
      <p className="page-description">{words.intro}</p>
      {isFull && (
        <div className="toolbar">
          <button type="button" className="p-button--positive" onClick={() => setInviting(true)}>
            {words.invite}
          </button>
        </div>
      )}
      <Loaded query={browsers}>
        {(all) => (
          <DataTable
            caption={texts.settings.tabs.browsers}
            columns={browserColumns(setRevoked)}
            rows={all}
            rowKey={(browser) => browser.id}
            sortedBy="seen"
            isDescending
            empty={words.empty}
          />
        )}
      </Loaded>
      <CommandLine command={holdfast("default", "ui", "list")} />
      {isInviting && <Invite onClose={() => setInviting(false)} onMade={setLink} />}
      {link !== undefined && (
        <SecretDialog
          title={words.made}
          intro={words.open}
          secrets={[link.url, ...link.other_urls].map((text, index) => ({
            label: link.other_urls.length === 0 ? words.link : `${words.link} ${index + 1}`,
            text,
          }))}
          onClose={() => setLink(undefined)}
        />
      )}
      {revoked !== undefined && <RevokeBrowser browser={revoked} onClose={() => setRevoked(undefined)} />}
    </>
  );
}

function browserColumns(revoke: (browser: Browser) => void): Column<Browser>[] {
  const time = (key: "created_at" | "last_seen_at" | "expires_at", title: string) => ({
    key: key === "last_seen_at" ? "seen" : key,
    title,
    className: "word-cell",
    cell: (browser: Browser) => <Age time={browser[key]} />,
    sort: (browser: Browser) => parseTime(browser[key]) ?? 0,
  });
  return [
    {
      key: "name",
      title: texts.name,
      isHeader: true,
      cell: (browser) => (
        <>
          {browser.name} {browser.current && <span className="status status--information">{words.here}</span>}
        </>
      ),
      sort: (browser) => browser.name,
    },
    { key: "address", title: words.address, cell: (browser) => browser.address, sort: (browser) => browser.address },
    { key: "reach", title: words.reach, cell: reachText },
    time("created_at", words.signedIn),
    time("last_seen_at", words.seen),
    time("expires_at", words.ends),
    {
      key: "actions",
      title: texts.actions,
      isTitleHidden: true,
      className: "button-cell",
      cell: (browser) => (
        <button
          type="button"
          className="p-button is-small"
          aria-label={browser.current ? words.signOutHere : words.revokeOf(browser.name)}
          onClick={() => (browser.current ? void signOut() : revoke(browser))}
        >
          {browser.current ? words.signOutHere : words.revoke}
        </button>
      ),
    },
  ];
}

function Invite({ onClose, onMade }: { onClose: () => void; onMade: (link: SignInLink) => void }) {
  const [reach, setReach] = useState(EVERYWHERE);
  const made = useRef<SignInLink>();
  const run = async () => {
    made.current = await makeLink(reach);
  };
  return (
    <ActionDialog
      action={{ title: words.inviteTitle, done: words.made, run }}
      command={holdfast("default", "ui", "link", "--no-open", ...reachOptions(reach))}
      submit={words.invite}
      isReady={isReachWhole(reach)}
      onClose={onClose}
      onDone={() => made.current !== undefined && onMade(made.current)}
    >
      <p>{words.inviteHelp}</p>
      <ReachFields reach={reach} onChange={setReach} />
    </ActionDialog>
  );
}

function RevokeBrowser({ browser: { id, name }, onClose }: { browser: Browser; onClose: () => void }) {
  return (
    <ConfirmDialog
      action={{
        title: words.revokeTitle(name),
        done: words.revoked(name),
        run: () => revokeBrowser(id),
        touches: [BROWSERS],
      }}
      command={holdfast("default", "ui", "revoke", id)}
      submit={words.revoke}
      onClose={onClose}
    >
      <p>{words.revokeIntro}</p>
    </ConfirmDialog>
  );
}
