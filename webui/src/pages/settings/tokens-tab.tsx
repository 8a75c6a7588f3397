// Tokens for new clients that nobody has used yet.
import { useRef, useState } from "react";
import { makeToken, OPERATIONS, revokeToken, useTokens, type Token } from "../../api/resources/trust";
import { ActionDialog } from "../../components/action-dialog";
import { Age } from "../../components/age";
import { CommandLine, CopyButton } from "../../components/command-line";
import { holdfast } from "../../components/command";
import { ConfirmDialog } from "../../components/confirm-dialog";
import { DataTable, type Column } from "../../components/data-table";
import { TextField } from "../../components/fields";
import { Loaded } from "../../components/loaded";
import { SecretDialog } from "../../components/secret-dialog";
import { texts } from "../../text";
import { EVERYWHERE, isReachWhole, ReachFields, reachOptions } from "./reach-fields";

const words = texts.settings.tokens;
const TOUCHES = [OPERATIONS];

export function TokensTab() {
  const tokens = useTokens();
  const [isMaking, setMaking] = useState(false);
  const [made, setMade] = useState<Token>();
  const [revoked, setRevoked] = useState<Token>();
  return (
    <>
      <p className="page-description">{words.intro}</p>
      <div className="toolbar">
        <button type="button" className="p-button--positive" onClick={() => setMaking(true)}>
          {words.make}
        </button>
      </div>
      <Loaded query={tokens}>
        {(all) => (
          <DataTable
            caption={texts.settings.tabs.tokens}
            columns={tokenColumns(setRevoked)}
            rows={all}
            rowKey={(token) => token.id}
            sortedBy="name"
            empty={words.none}
          />
        )}
      </Loaded>
      <CommandLine command={holdfast("default", "config", "trust", "list-tokens")} />
      {isMaking && <MakeToken onClose={() => setMaking(false)} onMade={setMade} />}
      {made !== undefined && (
        <SecretDialog
          title={words.made}
          intro={words.use}
          secrets={[
            { label: texts.command.title, text: `holdfast remote add NAME ${made.text}` },
            { label: words.text, text: made.text },
          ]}
          onClose={() => setMade(undefined)}
        />
      )}
      {revoked !== undefined && <RevokeToken token={revoked} onClose={() => setRevoked(undefined)} />}
    </>
  );
}

function tokenColumns(revoke: (token: Token) => void): Column<Token>[] {
  return [
    { key: "name", title: words.name, isHeader: true, cell: (token) => token.name, sort: (token) => token.name },
    {
      key: "text",
      title: words.text,
      cell: (token) => (
        <span className="button-group">
          <code>{token.text.slice(0, 12)}…</code> <CopyButton command={token.text} />
        </span>
      ),
    },
    { key: "expires", title: texts.expires, className: "word-cell", cell: (token) => <Age time={token.expires_at} /> },
    {
      key: "actions",
      title: texts.actions,
      isTitleHidden: true,
      className: "button-cell",
      cell: (token) => (
        <button
          type="button"
          className="p-button is-small"
          aria-label={words.revokeTitle(token.name)}
          onClick={() => revoke(token)}
        >
          {words.revoke}
        </button>
      ),
    },
  ];
}

function MakeToken({ onClose, onMade }: { onClose: () => void; onMade: (token: Token) => void }) {
  const [name, setName] = useState("");
  const [reach, setReach] = useState(EVERYWHERE);
  const made = useRef<Token>();
  const run = async () => {
    made.current = await makeToken(name, reach);
  };
  return (
    <ActionDialog
      action={{ title: words.makeTitle, done: words.made, run, touches: TOUCHES }}
      command={holdfast("default", "config", "trust", "add", "--name", name || "NAME", ...reachOptions(reach))}
      submit={words.make}
      isReady={name !== "" && isReachWhole(reach)}
      onClose={onClose}
      onDone={() => made.current !== undefined && onMade(made.current)}
    >
      <TextField label={words.name} value={name} onChange={setName} autoComplete="off" />
      <ReachFields reach={reach} onChange={setReach} />
    </ActionDialog>
  );
}

function RevokeToken({ token: { id, name }, onClose }: { token: Token; onClose: () => void }) {
  return (
    <ConfirmDialog
      action={{
        title: words.revokeTitle(name),
        done: words.revoked(name),
        run: () => revokeToken(id),
        touches: TOUCHES,
      }}
      command={holdfast("default", "config", "trust", "revoke-token", name)}
      submit={words.revoke}
      onClose={onClose}
    >
      <p>{words.revokeIntro}</p>
    </ConfirmDialog>
  );
}
