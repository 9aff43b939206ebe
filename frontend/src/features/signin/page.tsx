import { useRef, useState } from "preact/hooks";
import { ApiError } from "../../api/client";
import { signIn } from "../../api/session";
import { ProblemNote } from "../../ui/problem";
import "./signin.css";

export function SignInPage() {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const form = useRef<HTMLFormElement>(null);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!form.current) return;
    const data = new FormData(form.current);
    setBusy(true);
    setError(null);
    try {
      await signIn(String(data.get("email")), String(data.get("password")));
    } catch (reason) {
      setError(reason instanceof Error ? reason : new Error(String(reason)));
      setBusy(false);
    }
  };
  const refused = error instanceof ApiError && (error.status === 401 || error.status === 422);
  return (
    <main class="signin">
      <form ref={form} onSubmit={submit} class="stack">
        <div class="signin-head">
          <img src="/icon.svg" alt="" width="40" height="40" />
          <h1>EMBED Lab</h1>
          <p class="soft">Filter mammograms, read cases, freeze cohorts, train models.</p>
        </div>
        <label class="field">
          <span class="label">Email</span>
          <input
            class="input"
            name="email"
            type="email"
            autocomplete="username"
            required
            autofocus
          />
        </label>
        <label class="field">
          <span class="label">Password</span>
          <input
            class="input"
            name="password"
            type="password"
            autocomplete="current-password"
            required
          />
        </label>
        {refused && (
          <p class="signin-wrong" role="alert">
            Email and password do not belong together. Check both, or ask an administrator for a new
            password.
          </p>
        )}
        {error && !refused && <ProblemNote error={error} />}
        <button type="submit" class="button primary" disabled={busy}>
          {busy ? "Signing in" : "Sign in"}
        </button>
        <p class="faint small">
          For research only, not for patient care. What you open is recorded in the audit log.
        </p>
      </form>
    </main>
  );
}
