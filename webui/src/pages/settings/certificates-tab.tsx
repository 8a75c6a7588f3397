// Clients whose certificate the server trusts.
import { useState } from "react";
import {
  addCertificate,
  CERTIFICATES,
  deleteCertificate,
  patchCertificate,
  useCertificates,
  type Certificate,
} from "../../api/resources/trust";
import { ActionDialog } from "../../components/action-dialog";
import { ActionMenu } from "../../components/action-menu";
import { CommandLine } from "../../components/command-line";
import { holdfast } from "../../components/command";
import { ConfirmDialog } from "../../components/confirm-dialog";
import { DataTable, type Column } from "../../components/data-table";
import { TextArea, TextField } from "../../components/fields";
import { Loaded } from "../../components/loaded";
import { texts } from "../../text";
import { EVERYWHERE, isReachWhole, ReachFields, reachOptions, reachText } from "./reach-fields";

const words = texts.settings.certificates;
const TOUCHES = [CERTIFICATES];
const short = (certificate: Certificate): string => certificate.fingerprint.slice(0, 12);
const trust = (...rest: (string | false)[]): string => holdfast("default", "config", "trust", ...rest);

type Shown = { verb: "edit" | "remove"; certificate: Certificate };

export function CertificatesTab() {
  const certificates = useCertificates();
  const [isAdding, setAdding] = useState(false);
  const [shown, setShown] = useState<Shown>();
  const close = () => setShown(undefined);
  return (
    <>
      <p className="page-description">{words.intro}</p>
      <div className="toolbar">
        <button type="button" className="p-button--positive" onClick={() => setAdding(true)}>
          {words.add}
        </button>
      </div>
      <Loaded query={certificates}>
        {(all) => (
          <DataTable
            caption={texts.settings.tabs.certificates}
            columns={certificateColumns(setShown)}
            rows={all}
            rowKey={(each) => each.fingerprint}
            sortedBy="name"
            empty={words.empty}
          />
        )}
      </Loaded>
      <CommandLine command={trust("list")} />
      {isAdding && <AddCertificate onClose={() => setAdding(false)} />}
      {shown?.verb === "edit" && <EditCertificate certificate={shown.certificate} onClose={close} />}
      {shown?.verb === "remove" && <RemoveCertificate certificate={shown.certificate} onClose={close} />}
    </>
  );
}

function certificateColumns(show: (shown: Shown) => void): Column<Certificate>[] {
  return [
    { key: "name", title: texts.name, isHeader: true, cell: (each) => each.name || short(each), sort: (each) => each.name },
    { key: "type", title: words.type, cell: (each) => each.type, sort: (each) => each.type },
    { key: "reach", title: words.reach, cell: reachText },
    {
      key: "fingerprint",
      title: words.fingerprint,
      cell: (each) => <code title={each.fingerprint}>{short(each)}</code>,
    },
    {
      key: "actions",
      title: texts.actions,
      isTitleHidden: true,
      className: "button-cell",
      cell: (certificate) => (
        <ActionMenu
          label="⋯"
          ariaLabel={words.actionsOf(certificate.name || short(certificate))}
          className="p-button--base icon-button"
          actions={[
            { label: words.edit, onSelect: () => show({ verb: "edit", certificate }) },
            { label: words.remove, isDangerous: true, onSelect: () => show({ verb: "remove", certificate }) },
          ]}
        />
      ),
    },
  ];
}

function AddCertificate({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [pem, setPem] = useState("");
  const [reach, setReach] = useState(EVERYWHERE);
  return (
    <ActionDialog
      action={{
        title: words.addTitle,
        done: words.added(name),
        run: () => addCertificate(name, pem, reach),
        touches: TOUCHES,
      }}
      command={trust("add", "client.crt", "--name", name || "NAME", ...reachOptions(reach))}
      submit={words.add}
      isReady={name !== "" && pem !== "" && isReachWhole(reach)}
      onClose={onClose}
    >
      <TextField label={texts.name} value={name} onChange={setName} autoComplete="off" />
      <TextArea label={words.pem} help={words.pemHelp} rows={6} value={pem} onChange={setPem} spellCheck={false} />
      <ReachFields reach={reach} onChange={setReach} />
    </ActionDialog>
  );
}

interface CertificateDialogProps {
  certificate: Certificate;
  onClose: () => void;
}

function EditCertificate({ certificate, onClose }: CertificateDialogProps) {
  const [name, setName] = useState(certificate.name);
  const [reach, setReach] = useState({ restricted: certificate.restricted, projects: certificate.projects });
  return (
    <ActionDialog
      action={{
        title: words.editTitle(certificate.name),
        done: words.edited(name),
        run: () => patchCertificate(certificate.fingerprint, { name, ...reach }),
        touches: TOUCHES,
      }}
      command={trust("edit", short(certificate))}
      submit={texts.save}
      isReady={name !== "" && isReachWhole(reach)}
      onClose={onClose}
    >
      <TextField label={texts.name} value={name} onChange={setName} autoComplete="off" />
      <ReachFields reach={reach} onChange={setReach} />
    </ActionDialog>
  );
}

function RemoveCertificate({ certificate, onClose }: CertificateDialogProps) {
  const name = certificate.name || short(certificate);
  return (
    <ConfirmDialog
      action={{
        title: words.removeTitle(name),
        done: words.removed(name),
        run: () => deleteCertificate(certificate.fingerprint),
        touches: TOUCHES,
      }}
      command={trust("remove", short(certificate))}
      submit={words.remove.replace("…", "")}
      onClose={onClose}
    >
      <p>{words.removeIntro}</p>
    </ConfirmDialog>
  );
}
