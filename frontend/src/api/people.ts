import { request, requestAll, UnreachableError } from "./client";
import type {
  Agreement,
  Audit,
  Cache,
  Me,
  NewToken,
  Page,
  PasswordLink,
  PersonRecord,
  Readiness,
  Revision,
  Role,
  Setup,
  Token,
  TokenScope,
  Worker,
} from "./types";

export function retrieveMe(signal?: AbortSignal): Promise<Me> {
  return request("/api/v1/me", { signal });
}

export function recordAgreement(dataset: string, registration: string): Promise<Agreement> {
  return request("/api/v1/me/agreement", { method: "PUT", body: { dataset, registration } });
}

export function listTokens(signal?: AbortSignal): Promise<Page<Token>> {
  return request("/api/v1/tokens", { signal });
}

export function createToken(
  name: string,
  scopes: readonly TokenScope[],
  expiresInDays: number,
): Promise<NewToken> {
  const body = { name, scopes, expires_in_days: expiresInDays };
  return request("/api/v1/tokens", { method: "POST", body });
}

export function revokeToken(tokenId: string): Promise<void> {
  return request(`/api/v1/tokens/${encodeURIComponent(tokenId)}`, { method: "DELETE" });
}

export function listPeople(signal?: AbortSignal): Promise<readonly PersonRecord[]> {
  return requestAll("/api/v1/users", signal);
}

export interface NewPerson {
  readonly email: string;
  readonly name: string;
  readonly role: Role;
}

export function createPerson(person: NewPerson): Promise<PersonRecord> {
  return request("/api/v1/users", { method: "POST", body: person });
}

/** A link that works once, with which its person sets a password: the first, or a new one. */
export function createPasswordLink(id: string): Promise<PasswordLink> {
  return request(`${personPath(id)}/password-link`, { method: "POST" });
}

export function setPasswordByLink(token: string, password: string): Promise<void> {
  return request("/api/v1/password", { method: "PUT", body: { token, password } });
}

export function createFirstAdmin(setup: Setup): Promise<void> {
  return request("/api/v1/setup", { method: "POST", body: setup });
}

export function changePassword(current: string, password: string): Promise<void> {
  return request("/api/v1/me/password", { method: "PUT", body: { current, password } });
}

const personPath = (id: string): string => `/api/v1/users/${encodeURIComponent(id)}`;

export function changePerson(
  id: string,
  changes: { role?: Role; disabled?: boolean },
): Promise<PersonRecord> {
  return request(personPath(id), { method: "PATCH", body: changes });
}

export function listAgreements(id: string, signal?: AbortSignal): Promise<Page<Agreement>> {
  return request(`${personPath(id)}/agreements`, { signal });
}

export function confirmAgreement(
  id: string,
  dataset: string,
  confirmed: boolean,
): Promise<Agreement> {
  const path = `${personPath(id)}/agreements/${encodeURIComponent(dataset)}`;
  return request(path, { method: "PUT", body: { confirmed } });
}

export interface AuditQuery {
  readonly personId?: string;
  readonly action?: string;
  readonly since?: string;
  readonly cursor?: string;
}

export function searchAudit(query: AuditQuery, signal?: AbortSignal): Promise<Page<Audit>> {
  const pairs = new URLSearchParams({ limit: "100" });
  if (query.personId) pairs.set("person_id", query.personId);
  if (query.action) pairs.set("action", query.action);
  if (query.since) pairs.set("since", `${query.since}T00:00:00Z`);
  if (query.cursor) pairs.set("cursor", query.cursor);
  return request(`/api/v1/audit?${pairs}`, { signal });
}

export function listWorkers(signal?: AbortSignal): Promise<Page<Worker>> {
  return request("/api/v1/workers", { signal });
}

export function retrieveCache(signal?: AbortSignal): Promise<Cache> {
  return request("/api/v1/cache", { signal });
}

/** How many pictures were forgotten; each is made again when it is next asked for. */
export function emptyCache(): Promise<{ removed: number }> {
  return request("/api/v1/cache", { method: "DELETE" });
}

export function listRevisions(dataset: string, signal?: AbortSignal): Promise<Page<Revision>> {
  return request(`/api/v1/datasets/${encodeURIComponent(dataset)}/revisions`, { signal });
}

/** Whether all of it works. A server that is not ready says so with 503, and says what is wrong. */
export async function readiness(signal?: AbortSignal): Promise<Readiness> {
  try {
    const answer = await fetch("/readyz", { cache: "no-store", signal: signal ?? null });
    return (await answer.json()) as Readiness;
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new UnreachableError();
  }
}
