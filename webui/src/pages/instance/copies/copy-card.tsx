// How the copy that this instance is stands: how old, pull now, bring back.
import { useState } from "react";
import { finished } from "../../../api/operations";
import { setPower } from "../../../api/resources/instances";
import { changeProtection, pullNow } from "../../../api/resources/protections";
import { ActionDialog } from "../../../components/action-dialog";
import { Age } from "../../../components/age";
import { formatBytes } from "../../../components/bytes";
import { CommandLine } from "../../../components/command-line";
import { holdfast } from "../../../components/command";
import { StatusLabel } from "../../../components/status-label";
import { texts } from "../../../text";
import type { TabProps } from "../instance-page";
import type { Kept } from "./copies-tab";

const words = texts.instance.copies;

interface CopyCardProps extends TabProps {
  kept: Kept;
}

export function CopyCard({ instance, kept }: CopyCardProps) {
  const [shown, setShown] = useState<"pull" | "start">();
  const { protection } = kept;
  const close = () => setShown(undefined);
  return (
    <section className="card">
      <h2 className="p-heading--5">{words.isCopy}</h2>
      <p>
        {instance.status === "Stopped"
          ? words.isCopyText(kept.copy.instance, protection.remote)
          : words.runsText(kept.copy.instance, protection.remote)}
      </p>
      <CopyFacts instance={instance} kept={kept} />
      <button type="button" className="p-button" onClick={() => setShown("pull")}>
        {words.refreshNow}…
      </button>
      <h3 className="p-heading--5">{words.bringBack}</h3>
      <p>{words.bringBackText}</p>
      <button type="button" className="p-button" disabled={instance.status !== "Stopped"} onClick={() => setShown("start")}>
        {words.startHere}
      </button>
      <CommandLine
        label={words.toOther}
        command={holdfast(instance.project, "copy", instance.name, `${protection.remote}:${kept.copy.instance}`)}
      />
      {shown === "pull" && <PullDialog instance={instance} kept={kept} onClose={close} />}
      {shown === "start" && <StartDialog instance={instance} kept={kept} onClose={close} />}
    </section>
  );
}

function CopyFacts({ kept: { protection, copy } }: CopyCardProps) {
  const state = protection.paused ? words.paused : copy.late ? words.late : words.fine;
  return (
    <>
      <dl className="facts">
        <dt>{words.state}</dt>
        <dd>
          <StatusLabel status={state} tone={copy.late ? "negative" : protection.paused ? "caution" : "positive"} />
        </dd>
        <dt>{words.server}</dt>
        <dd>
          {protection.remote} ({protection.address})
        </dd>
        <dt>{words.protection}</dt>
        <dd>{protection.name}</dd>
        <dt>{words.schedule}</dt>
        <dd>
          <code>{protection.schedule}</code>
        </dd>
        <dt>{words.lastGood}</dt>
        <dd>
          <Age time={copy.succeeded_at} />
          {copy.bytes > 0 && ` (${words.transferred}: ${formatBytes(copy.bytes)}, ${Math.round(copy.seconds)} s)`}
        </dd>
        <dt>{words.lastTry}</dt>
        <dd>
          <Age time={copy.tried_at} />
        </dd>
        <dt>{words.next}</dt>
        <dd>
          <Age time={protection.next_at} absent={words.paused} />
        </dd>
      </dl>
      {copy.error !== "" && <p className="is-bad">{copy.error}</p>}
      {copy.missing && <p className="is-bad">{words.missing}</p>}
    </>
  );
}

interface CopyDialogProps extends CopyCardProps {
  onClose: () => void;
}

function PullDialog({ instance, kept: { protection }, onClose }: CopyDialogProps) {
  return (
    <ActionDialog
      action={{
        title: words.refreshTitle(protection.name),
        done: words.refreshed(instance.name),
        run: () => pullNow(protection.name),
        touches: ["/1.0/protections", `/1.0/instances/${instance.name}`],
      }}
      command={holdfast("default", "backup-server", "run-now", protection.name)}
      submit={words.refreshNow}
      onClose={onClose}
    >
      <p>{words.refreshIntro}</p>
    </ActionDialog>
  );
}

/** Pause first, so that no pull comes between; then start. */
function StartDialog({ instance, kept: { protection }, onClose }: CopyDialogProps) {
  const { name, project } = instance;
  const run = async () => {
    await changeProtection(protection.name, { paused: true });
    await finished(await setPower(name, project, "start"));
  };
  return (
    <ActionDialog
      action={{ title: words.startHereTitle(name), done: words.started(name), run, touches: ["/1.0/protections"] }}
      command={[
        holdfast("default", "backup-server", "pause", protection.name),
        holdfast(project, "start", name),
      ]}
      submit={texts.instances.power.start}
      onClose={onClose}
    >
      <p>{words.startHereIntro}</p>
    </ActionDialog>
  );
}
