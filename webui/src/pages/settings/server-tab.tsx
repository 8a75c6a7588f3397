// What this server is, and its settings.
import { change, type Schemas } from "../../api/client";
import { useServer } from "../../api/resources/server";
import { holdfast } from "../../components/command";
import { ConfigSection } from "../../components/config/config-section";
import { Loaded } from "../../components/loaded";
import { texts } from "../../text";

const words = texts.settings.server;
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
  const current = Object.fromEntries(Object.entries(config).map(([key, value]) => [key, String(value)]));
  return (
    <section>
      <h2 className="p-heading--4">{words.settings}</h2>
      <ConfigSection
        name={words.what}
        scope="server"
        config={current}
        save={(changes) => change("PATCH", "/1.0", { config: changes })}
        command={(...rest) => holdfast("default", "config", ...rest)}
        subject={[]}
        touches={["/1.0"]}
      />
    </section>
  );
}
