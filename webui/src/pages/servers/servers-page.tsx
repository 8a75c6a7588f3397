// Other servers: what this one keeps copies of, how old they are, and what went wrong.
import { useState } from "react";
import { useProtections, type Protection } from "../../api/resources/protections";
import { CommandLine } from "../../components/command-line";
import { holdfast } from "../../components/command";
import { FullAccess, useFullAccess } from "../../components/full-access";
import { Loaded } from "../../components/loaded";
import { Page } from "../../components/page";
import { texts } from "../../text";
import { CreateProtection } from "./create-protection";
import { ProtectionCard } from "./protection-card";

const words = texts.servers;

export default function ServersPage() {
  const isFull = useFullAccess();
  const [isCreating, setCreating] = useState(false);
  const create = (
    <button type="button" className="p-button--positive" onClick={() => setCreating(true)}>
      {words.protect}
    </button>
  );
  return (
    <Page title={texts.pages.servers} actions={isFull && create}>
      <p className="page-description">{words.intro}</p>
      <FullAccess>
        <Protections />
      </FullAccess>
      {isCreating && <CreateProtection onClose={() => setCreating(false)} />}
    </Page>
  );
}

function Protections() {
  const protections = useProtections();
  return (
    <>
      <Loaded query={protections}>{(all) => <ByServer protections={all} />}</Loaded>
      <CommandLine command={holdfast("default", "backup-server", "status")} />
    </>
  );
}

function ByServer({ protections }: { protections: Protection[] }) {
  if (protections.length === 0) return <p className="table-empty">{words.empty}</p>;
  const servers = new Map<string, Protection[]>();
  for (const each of protections) {
    const key = words.remote(each.remote, each.address);
    servers.set(key, [...(servers.get(key) ?? []), each]);
  }
  return (
    <>
      {[...servers].map(([server, own]) => (
        <section key={server} aria-label={server}>
          <h2 className="p-heading--4">{server}</h2>
          {own.map((protection) => (
            <ProtectionCard key={protection.name} protection={protection} />
          ))}
        </section>
      ))}
    </>
  );
}
