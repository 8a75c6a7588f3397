// Where copies of an instance are: whether it is one itself, and copies on this server.
import { useState } from "react";
import { useProtections, type ProtectedCopy, type Protection } from "../../../api/resources/protections";
import { useServer, useSession } from "../../../api/resources/server";
import { CommandLine } from "../../../components/command-line";
import { holdfast } from "../../../components/command";
import { texts } from "../../../text";
import type { TabProps } from "../instance-page";
import { CopyCard } from "./copy-card";
import { CopyHere } from "./copy-here";

const words = texts.instance.copies;

export interface Kept {
  protection: Protection;
  copy: ProtectedCopy;
}

/** The protection that keeps this very instance as its copy, if there is one. */
function keptAs(protections: Protection[], name: string, project: string): Kept | undefined {
  for (const protection of protections) {
    if (protection.target_project !== project) continue;
    const copy = protection.copies.find((each) => each.instance === name);
    if (copy !== undefined) return { protection, copy };
  }
  return undefined;
}

export default function CopiesTab({ instance }: TabProps) {
  const session = useSession();
  const protections = useProtections(session.data?.access === "full");
  const kept = keptAs(protections.data ?? [], instance.name, instance.project);
  return (
    <div className="card-grid card-grid--wide">
      {kept === undefined ? <SetUp instance={instance} /> : <CopyCard instance={instance} kept={kept} />}
      <Here instance={instance} />
    </div>
  );
}

/** How to have another server keep copies: it pulls, so that is set up over there. */
function SetUp({ instance }: TabProps) {
  const server = useServer();
  const { name, project } = instance;
  const remote = server.data?.environment.server_name ?? "home";
  const source = project === "default" ? `${remote}:${name}` : `${remote}:${project}/${name}`;
  const [address = window.location.hostname] = server.data?.environment.addresses ?? [];
  return (
    <section className="card">
      <h2 className="p-heading--5">{words.noCopy}</h2>
      <p>{words.setUp}</p>
      <CommandLine label={words.addRemote} command={holdfast("default", "remote", "add", remote, address)} />
      <CommandLine
        label={words.protect}
        command={holdfast("default", "backup-server", "protect", source, "--every", "@hourly", "--keep", "hourly=24,daily=14", "--now")}
      />
      <p className="p-form-help-text">{words.howTo}</p>
    </section>
  );
}

function Here({ instance }: TabProps) {
  const [isCopying, setCopying] = useState(false);
  return (
    <section className="card">
      <h2 className="p-heading--5">{words.here}</h2>
      <p>{words.hereText}</p>
      <button type="button" className="p-button" onClick={() => setCopying(true)}>
        {words.copyHere}
      </button>
      {isCopying && <CopyHere instance={instance} onClose={() => setCopying(false)} />}
    </section>
  );
}
