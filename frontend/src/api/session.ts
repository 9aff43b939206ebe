import { signal } from "@preact/signals";
import { ApiError, request, setCsrfToken, unauthenticated } from "./client";
import type { Person, Session } from "./types";

/** `undefined` until the first answer; `null` when nobody is signed in. */
export const person = signal<Person | null | undefined>(undefined);

function enter(session: Session): void {
  setCsrfToken(session.csrf_token);
  unauthenticated.value = false;
  person.value = session.person;
}

export async function resumeSession(): Promise<void> {
  try {
    enter(await request<Session>("/api/v1/me"));
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) {
      person.value = null;
      return;
    }
    throw error;
  }
}

export async function signIn(email: string, password: string): Promise<void> {
  enter(await request<Session>("/api/v1/session", { method: "POST", body: { email, password } }));
}

export async function signOut(): Promise<void> {
  await request<void>("/api/v1/session", { method: "DELETE" });
  setCsrfToken("");
  person.value = null;
}

export function mayTrain(): boolean {
  return person.value?.role === "researcher" || person.value?.role === "admin";
}
