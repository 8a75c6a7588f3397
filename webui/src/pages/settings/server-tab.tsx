// What this server is, and its settings.
import { change, type Schemas } from "../../api/client";
import { useServer } from "../../api/resources/server";
import { useDraft } from "../../components/draft";
import { Loaded } from "../../components/loaded";
import { SavedForm } from "../../components/saved-form";
import { changedPairs, settingCommands } from "../../components/setting-commands";
import { SettingsEditor, type Settings } from "../../components/settings-editor";
import { texts } from "../../text";

const words = texts.settings.server;
const SUGGESTIONS = [
  "backups.compression_algorithm",
  "core.https_address",
  "core.remote_token_expiry",
  "core.shutdown_timeout",
  "core.trust_password",
  "images.compression_algorithm",
  "images.default_architecture",
  "images.remote_cache_expiry",
  "storage.backups_volume",
];

export function ServerTab() {
  const server = useServer();
  return (
    <Loaded query={server}>
      {(found) => (
        <>
          <Facts server={found} />
          {found.auth === "trusted" && found.config !== null && <ServerSettings config={found.config} />}
        </>
      )}
    </Loaded>
  );
}

function Facts({ server }: { server: Schemas["Server"] }) {
  const { environment } = server;
  const drivers = environment.storage_supported_drivers.map(({ Name: name, Version: version }) => `${name} ${version}`);
  return (
    <section className="card">
      <h2 className="p-heading--5">{words.facts}</h2>
      <dl className="facts">
        <dt>{words.name}</dt>
        <dd>{environment.server_name}</dd>
        <dt>{words.version}</dt>
        <dd>{environment.holdfast_version}</dd>
        <dt>{words.addresses}</dt>
        <dd>{environment.addresses.join(", ") || words.noAddress}</dd>
        <dt>{words.fingerprint}</dt>
        <dd>
          <code>{environment.certificate_fingerprint}</code>
        </dd>
        <dt>{words.system}</dt>
        <dd>{`${environment.os_name} ${environment.os_version}, ${environment.kernel_architecture}`}</dd>
        <dt>{words.kernel}</dt>
        <dd>{`${environment.kernel} ${environment.kernel_version}`}</dd>
        <dt>{words.storage}</dt>
        <dd>{drivers.join(", ")}</dd>
      </dl>
    </section>
  );
}

/** A password is shown as `true`; it is sent only when it was changed. */
function ServerSettings({ config }: { config: Record<string, string | boolean> }) {
  const before: Settings = Object.fromEntries(Object.entries(config).map(([key, value]) => [key, String(value)]));
  const { draft, set, isChanged, reset } = useDraft({ config: before });
  const changes = changedPairs(before, draft.config);
  const patch = Object.fromEntries(changes.map(([key, value]) => [key, value ?? ""]));
  return (
    <section>
      <h2 className="p-heading--4">{words.settings}</h2>
      <SavedForm
        action={{
          title: texts.editors.saveTitle(words.what),
          done: texts.editors.saved(words.what),
          run: () => change("PATCH", "/1.0", { config: patch }),
          touches: ["/1.0"],
        }}
        command={changes.length > 0 ? settingCommands("default", ["config"], [], changes) : "holdfast config show"}
        isChanged={isChanged}
        onReset={reset}
      >
        <SettingsEditor settings={draft.config} onChange={(value) => set({ config: value })} suggestions={SUGGESTIONS} />
      </SavedForm>
    </section>
  );
}
