// What a volume is, how much it holds, and where it is attached.
import { useState } from "react";
import { useVolumeSnapshots, volumePath } from "../../api/resources/volumes";
import { useSchedules } from "../../api/resources/snapshots";
import { Age } from "../../components/age";
import { EntityLink } from "../../components/entity-link";
import { MeasuredSize } from "../../components/measured-size";
import { StatusLabel } from "../../components/status-label";
import { texts } from "../../text";
import { AttachVolume, DetachVolume } from "./attach-dialogs";
import type { VolumeTabProps } from "./volume-page";

const words = texts.volumes.overview;
const safety = texts.instance.overview;

export function OverviewTab({ volume }: VolumeTabProps) {
  return (
    <div className="card-grid">
      <SafetyCard volume={volume} />
      <FactsCard volume={volume} />
      <AttachedCard volume={volume} />
    </div>
  );
}

function SafetyCard({ volume }: VolumeTabProps) {
  const snapshots = useVolumeSnapshots(volume);
  const schedules = useSchedules(volume.project);
  const name = `${volume.pool}/${volume.name}`;
  const mine = schedules.data?.filter((each) => each.type === "volume" && each.name === name) ?? [];
  const newest = snapshots.data?.map((each) => each.created_at).sort().at(-1);
  return (
    <section className="card">
      <h2 className="p-heading--5">{safety.safety}</h2>
      <dl className="facts">
        <dt>{safety.newestSnapshot}</dt>
        <dd>
          <Age time={newest} absent={texts.none} />
        </dd>
        <dt>{safety.snapshotCount}</dt>
        <dd>{snapshots.data?.length ?? "…"}</dd>
        <dt>{safety.schedules}</dt>
        <dd>
          {mine.length === 0 && safety.noSchedule}
          {mine.map((schedule) => (
            <div className="schedule-line" key={schedule.label}>
              <code>{schedule.rule}</code> <StatusLabel status={schedule.status} />
              {schedule.next_at !== null && (
                <span>
                  {" "}
                  {safety.nextRun} <Age time={schedule.next_at} />
                </span>
              )}
              {schedule.error !== "" && <div className="is-bad">{schedule.error}</div>}
            </div>
          ))}
        </dd>
      </dl>
    </section>
  );
}

function FactsCard({ volume }: VolumeTabProps) {
  const { content_type: content } = volume;
  return (
    <section className="card">
      <h2 className="p-heading--5">{words.facts}</h2>
      <dl className="facts">
        <dt>{texts.pool}</dt>
        <dd>{volume.pool}</dd>
        <dt>{texts.volumes.content}</dt>
        <dd>{texts.volumes.contents[content as "block"] ?? content}</dd>
        <dt>{words.used}</dt>
        <dd>
          <MeasuredSize path={volumePath(volume)} project={volume.project} name={volume.name} />
        </dd>
        <dt>{words.limit}</dt>
        <dd>{volume.config["size"] ?? words.noLimit}</dd>
        <dt>{texts.created}</dt>
        <dd>
          <Age time={volume.created_at} />
        </dd>
      </dl>
    </section>
  );
}

function AttachedCard({ volume }: VolumeTabProps) {
  const [isAttaching, setAttaching] = useState(false);
  const [detached, setDetached] = useState<string>();
  return (
    <section className="card">
      <div className="card__head">
        <h2 className="p-heading--5">{words.attached}</h2>
        <button type="button" className="p-button" onClick={() => setAttaching(true)}>
          {words.attach}
        </button>
      </div>
      <p className="p-form-help-text">{words.attachedHelp}</p>
      {volume.used_by.length === 0 && <p className="u-text--muted">{texts.volumes.nobody}</p>}
      <ul className="plain-list">
        {volume.used_by.map((url) => (
          <li key={url}>
            <EntityLink url={url} />
            <button type="button" className="p-button is-small" onClick={() => setDetached(url)}>
              {words.detach}
            </button>
          </li>
        ))}
      </ul>
      {isAttaching && <AttachVolume volume={volume} onClose={() => setAttaching(false)} />}
      {detached !== undefined && (
        <DetachVolume volume={volume} url={detached} onClose={() => setDetached(undefined)} />
      )}
    </section>
  );
}
