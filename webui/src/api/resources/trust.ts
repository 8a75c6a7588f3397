// Who may use the server: certificates, tokens that nobody has used yet, browsers.
import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import { api, begin, change, get, send, type Operation, type Schemas } from "../client";
import { isRunning, TOKEN_CLASS } from "../operations";
import { useResource } from "../query-client";

export type Certificate = Schemas["Certificate"];

export const CERTIFICATES = "/1.0/certificates";
export const OPERATIONS = "/1.0/operations";
export const BROWSERS = "/1.0/ui/browsers";

/** How "never" is written on the wire. */
const NEVER = "0001-01-01T00:00:00Z";

export interface Browser {
  id: string;
  name: string;
  address: string;
  created_at: string;
  last_seen_at: string;
  expires_at: string;
  restricted: boolean;
  projects: string[];
  current: boolean;
}

/** A link that signs a browser in. */
export interface SignInLink {
  url: string;
  other_urls: string[];
  expires_at: string;
}

/** A token that makes a client trusted; the operation's id revokes it. */
export interface Token {
  id: string;
  name: string;
  text: string;
  expires_at: string;
}

/** How far somebody is let in. */
export interface Reach {
  restricted: boolean;
  projects: string[];
}

export function useCertificates(): UseQueryResult<Certificate[]> {
  return useResource<Certificate[]>(CERTIFICATES, { recursion: 1 });
}

export function deleteCertificate(fingerprint: string): Promise<void> {
  return change("DELETE", api`/1.0/certificates/${fingerprint}`);
}

export function patchCertificate(fingerprint: string, body: Schemas["CertificatePatch"]): Promise<void> {
  return change("PATCH", api`/1.0/certificates/${fingerprint}`, body);
}

/** Trust a certificate, given as PEM. */
export function addCertificate(name: string, pem: string, reach: Reach): Promise<void> {
  const certificate = pem.replace(/-----[A-Z ]+-----/g, "").replace(/\s+/g, "");
  const body: Schemas["CertificatesPost"] = { name, type: "client", certificate, ...reach };
  return change("POST", CERTIFICATES, body);
}

export async function makeToken(name: string, reach: Reach): Promise<Token> {
  const body: Schemas["CertificatesPost"] = { name, type: "client", token: true, ...reach };
  return tokenOf(await begin("POST", CERTIFICATES, body));
}

interface TokenMetadata {
  request?: { name?: string };
  fingerprint?: string;
  addresses?: string[];
  secret?: string;
  expiresAt?: string;
}

/** Make the text that is given to the client: what LXD's clients read, as base64 of JSON. */
function tokenOf(operation: Operation): Token {
  const { request, fingerprint, addresses, secret, expiresAt } = (operation.metadata ?? {}) as TokenMetadata;
  const name = request?.name ?? "";
  const content = { client_name: name, fingerprint, addresses, secret, expires_at: expiresAt || NEVER };
  const bytes = new TextEncoder().encode(JSON.stringify(content));
  return { id: operation.id, name, text: btoa(String.fromCharCode(...bytes)), expires_at: expiresAt ?? "" };
}

export function useTokens(): UseQueryResult<Token[]> {
  return useQuery({
    queryKey: [OPERATIONS, { tokens: true }],
    queryFn: async ({ signal }) => {
      const byStatus = await get<Record<string, Operation[]>>(OPERATIONS, { recursion: 1 }, signal);
      const all = Object.values(byStatus).flat();
      return all
        .filter((each) => each.class === TOKEN_CLASS && isRunning(each) && each.metadata?.["request"] !== undefined)
        .map(tokenOf);
    },
  });
}

export function revokeToken(id: string): Promise<void> {
  return change("DELETE", api`/1.0/operations/${id}`);
}

export function useBrowsers(): UseQueryResult<Browser[]> {
  return useResource<Browser[]>(BROWSERS, { recursion: 1 });
}

export function revokeBrowser(id: string): Promise<void> {
  return change("DELETE", api`/1.0/ui/browsers/${id}`);
}

export async function makeLink(reach: Reach): Promise<SignInLink> {
  const answer = await send("POST", "/1.0/ui/links", { json: reach });
  return ((await answer.json()) as { metadata: SignInLink }).metadata;
}
