import { signal } from "@preact/signals";
import type { FieldError, Page, Problem } from "./types";

/** False while the server cannot be reached; the shell shows a thin bar. */
export const reachable = signal(true);
/** Raised when the server says that nobody is signed in. */
export const unauthenticated = signal(false);

// Kept in memory only: a stolen page copy must not carry it.
let csrfToken = "";

export function setCsrfToken(token: string): void {
  csrfToken = token;
}

/** What the server refused, in its own words. */
export class ApiError extends Error {
  readonly status: number;
  readonly title: string;
  readonly requestId: string | null;
  readonly errors: readonly FieldError[];

  constructor(problem: Problem) {
    super(problem.detail || problem.title);
    this.status = problem.status;
    this.title = problem.title;
    this.requestId = problem.request_id ?? null;
    this.errors = problem.errors ?? [];
  }
}

/** The server did not answer at all. */
export class UnreachableError extends Error {
  constructor() {
    super("The server does not answer.");
  }
}

export interface RequestOptions {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** A file as it is, everything else as JSON. */
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  readonly headers?: Record<string, string>;
}

export async function request<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const response = await send(path, options);
  if (!response.ok) throw await problemOf(response);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

/** All items of a list, however many pages it has. */
export async function requestAll<T>(path: string, signal?: AbortSignal): Promise<readonly T[]> {
  const found: T[] = [];
  const query = new URLSearchParams({ limit: "500" });
  for (;;) {
    const page: Page<T> = await request(`${path}?${query}`, { signal });
    found.push(...page.items);
    if (!page.next) return found;
    query.set("cursor", page.next);
  }
}

export async function requestText(path: string, signal?: AbortSignal): Promise<string> {
  const response = await send(path, { signal, headers: { Accept: "*/*" } });
  if (!response.ok) throw await problemOf(response);
  return response.text();
}

export async function requestBytes(path: string, signal?: AbortSignal): Promise<ArrayBuffer> {
  const response = await send(path, { signal, headers: { Accept: "*/*" } });
  if (!response.ok) throw await problemOf(response);
  return response.arrayBuffer();
}

export interface PictureBytes {
  readonly blob: Blob;
  /** Whether the server exchanged left and right of what is stored. */
  readonly mirrored: boolean;
}

export async function requestPicture(path: string, signal: AbortSignal): Promise<PictureBytes> {
  const response = await send(path, { signal, headers: { Accept: "image/*" } });
  if (!response.ok) throw await problemOf(response);
  const mirrored = response.headers.get("X-Mirrored") === "true";
  return { blob: await response.blob(), mirrored };
}

async function send(path: string, options: RequestOptions): Promise<Response> {
  const { method = "GET", body, signal: aborted } = options;
  const headers = new Headers({ Accept: "application/json", ...options.headers });
  const file = body instanceof Blob;
  if (body !== undefined && !file) headers.set("Content-Type", "application/json");
  if (method !== "GET" && csrfToken) headers.set("X-CSRF-Token", csrfToken);
  try {
    const response = await fetch(path, {
      method,
      headers,
      credentials: "same-origin",
      signal: aborted ?? null,
      ...(body === undefined ? {} : { body: file ? body : JSON.stringify(body) }),
    });
    reachable.value = true;
    return response;
  } catch (error) {
    if (isAbort(error)) throw error;
    reachable.value = false;
    throw new UnreachableError();
  }
}

async function problemOf(response: Response): Promise<ApiError> {
  // Signing in with a wrong password is a 401 of its own kind: nobody lost a session.
  if (response.status === 401 && !response.url.endsWith("/api/v1/session"))
    unauthenticated.value = true;
  const requestId = response.headers.get("X-Request-ID");
  const fallback: Problem = {
    title: response.statusText || `HTTP ${response.status}`,
    status: response.status,
    request_id: requestId,
  };
  if (!response.headers.get("Content-Type")?.includes("json")) return new ApiError(fallback);
  const body = (await response.json().catch(() => ({}))) as Partial<Problem>;
  return new ApiError({ ...fallback, ...body });
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
