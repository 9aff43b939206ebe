import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { ApiError } from "../../api/client";
import { ProblemNote } from "../../ui/problem";
import "./signin.css";

/** What the person can put right in the form before them. */
class Mistake extends Error {}

/** What is left of a form between two tries. */
export interface Sending {
  readonly state: "open" | "busy" | "done";
  readonly error: Error | null;
}

interface DoorProps {
  readonly title: string;
  readonly text: string;
  readonly send: (data: FormData) => Promise<void>;
  readonly children: (sending: Sending) => ComponentChildren;
}

/** A form at the door: before there is a session, nothing else of the app is loaded. */
export function Door({ title, text, send, children }: DoorProps) {
  const [sending, setSending] = useState<Sending>({ state: "open", error: null });
  const form = useRef<HTMLFormElement>(null);
  const submit = (event: Event): void => {
    event.preventDefault();
    if (!form.current) return;
    setSending({ state: "busy", error: null });
    send(new FormData(form.current)).then(
      () => setSending({ state: "done", error: null }),
      (reason: unknown) =>
        setSending({
          state: "open",
          error: reason instanceof Error ? reason : new Error(String(reason)),
        }),
    );
  };
  return (
    <main class="signin">
      <form ref={form} onSubmit={submit} class="stack">
        <div class="signin-head">
          <img src="/icon.svg" alt="" width="40" height="40" />
          <h1>{title}</h1>
          {sending.state !== "done" && <p class="soft">{text}</p>}
        </div>
        {children(sending)}
      </form>
    </main>
  );
}

export const LEAST_CHARACTERS = 8;

/** A new password, twice. */
export function NewPassword() {
  return (
    <>
      <label class="field">
        <span class="label">New password, at least {LEAST_CHARACTERS} characters</span>
        <input
          class="input"
          name="password"
          type="password"
          autocomplete="new-password"
          minLength={LEAST_CHARACTERS}
          required
        />
      </label>
      <label class="field">
        <span class="label">The same again</span>
        <input class="input" name="again" type="password" autocomplete="new-password" required />
      </label>
    </>
  );
}

/** The new password of a form; a mistake where it was not the same twice. */
export function newPassword(data: FormData): string {
  const password = String(data.get("password"));
  if (password !== String(data.get("again"))) throw new Mistake("The two passwords differ.");
  return password;
}

/** Why a one-time link did not do: what was mistyped, that it is used up, or a fault of ours. */
export function LinkError({ error }: { error: Error }) {
  const refused = error instanceof ApiError && error.status === 403;
  if (!refused && !(error instanceof Mistake)) return <ProblemNote error={error} />;
  return (
    <p class="signin-wrong" role="alert">
      {refused && <strong>{error.title}. </strong>}
      {error.message}
    </p>
  );
}

/** The secret of a one-time link. It stands behind `#`, which no server is sent. */
export function useSecret(): string {
  return useState(() => window.location.hash.slice(1))[0];
}

/** What the pages of one-time links say where the secret is missing. */
export function NotWhole() {
  return (
    <p class="signin-wrong" role="alert">
      This address is not whole. Open the link again as you were given it.
    </p>
  );
}
