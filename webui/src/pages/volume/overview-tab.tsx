// What a volume is, how much it holds, and where it is attached.
import { useState } from "react";
import { Link } from "react-router-dom";
import { useVolumeBackups, useVolumeSnapshots, volumePath } from "../../api/resources/volumes";
import { useSchedules } from "../../api/resources/snapshots";
import { Age } from "../../components/age";
import { EntityLink } from "../../components/entity-link";
import { MeasuredSize } from "../../components/measured-size";
import { volumeAddress } from "../../components/project";
import { SafetyCard } from "../../components/safety-card";
import { texts } from "../../text";
import { AttachVolume, DetachVolume } from "./attach-dialogs";
import type { VolumeTabProps } from "./volume-page";

const words = texts.volumes.overview;

export function OverviewTab({ volume }: VolumeTabProps) {
  return (
    <div className="card-grid">
      <Safety volume={volume} />
      <FactsCard volume={volume} />
      <AttachedCard volume={volume} />
    </div>
  );
}

function Safety({ volume }: VolumeTabProps) {
  const snapshots = useVolumeSnapshots(volume);
  const backups = useVolumeBackups(volume);
  const schedules = useSchedules(volume.project);
  const name = `${volume.pool}/${volume.name}`;
  return (
    <SafetyCard
      snapshots={snapshots.data}
      exports={backups.data}
      schedules={schedules.data?.filter((each) => each.type === "volume" && each.name === name)}
      addressOf={(tab) => volumeAddress(volume.pool, volume.name, volume.project, tab)}
    />
  );
}

function FactsCard({ volume }: VolumeTabProps) {
  const { content_type: content } = volume;
  return (
    <section className="card">
      <h2 className="p-heading--5">{words.facts}</h2>
      <dl className="facts">
        <dt>{texts.pool}</dt>
        <dd>
          <Link to={`/pools/${encodeURIComponent(volume.pool)}`}>{volume.pool}</Link>
        </dd>
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
