import { signal } from "@preact/signals";
import { ApiError, request, setCsrfToken, unauthenticated } from "./client";
import type { Person, Session } from "./types";

/** `undefined` until the first answer; `null` when nobody is signed in. */
export const person = signal<Person | null | undefined>(undefined);

/** Says that this browser signed in once: without it, asking the server who one is would only fail. */
const SIGNED_IN = "embedlab.signed-in";

function enter(session: Session): void {
  // What the page remembers belongs to who was here before; another person starts on a clean one.
  const before = person.value;
  if (before && before.person_id !== session.person.person_id) window.location.reload();
  setCsrfToken(session.csrf_token ?? "");
  localStorage.setItem(SIGNED_IN, "1");
  unauthenticated.value = false;
  person.value = session.person;
}

export async function resumeSession(): Promise<void> {
  if (!localStorage.getItem(SIGNED_IN)) {
    person.value = null;
    return;
  }
  try {
    enter(await request<Session>("/api/v1/me"));
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) {
      localStorage.removeItem(SIGNED_IN);
      person.value = null;
      return;
    }
    throw error;
  }
}

export async function signIn(email: string, password: string): Promise<void> {
  enter(await request<Session>("/api/v1/session", { method: "POST", body: { email, password } }));
}

/** Ends the session and loads the page anew, so that nothing of it stays in memory. */
export async function signOut(): Promise<void> {
  await request<void>("/api/v1/session", { method: "DELETE" });
  localStorage.removeItem(SIGNED_IN);
  window.location.assign("/");
}

export function mayTrain(): boolean {
  return person.value?.role === "researcher" || person.value?.role === "admin";
}
