import { useRef, useState } from "preact/hooks";
import { setPasswordByLink } from "../../api/people";
import { ProblemNote } from "../../ui/problem";
import "./signin.css";

const LEAST = 8;

/** Where an invitation or a reset leads. The secret stands behind `#`, which no server is sent. */
export function WelcomePage() {
  const [token] = useState(() => window.location.hash.slice(1));
  const [state, setState] = useState<"open" | "busy" | "done">("open");
  const [error, setError] = useState<Error | null>(null);
  const form = useRef<HTMLFormElement>(null);
  const submit = (event: Event): void => {
    event.preventDefault();
    if (!form.current) return;
    const data = new FormData(form.current);
    const password = String(data.get("password"));
    if (password !== String(data.get("again"))) {
      setError(new Error("The two passwords differ."));
      return;
    }
    setState("busy");
    setError(null);
    setPasswordByLink(token, password).then(
      () => setState("done"),
      (reason: unknown) => {
        setError(reason instanceof Error ? reason : new Error(String(reason)));
        setState("open");
      },
    );
  };
  return (
    <main class="signin">
      <form ref={form} onSubmit={submit} class="stack">
        <div class="signin-head">
          <img src="/icon.svg" alt="" width="40" height="40" />
          <h1>Welcome to EMBED Lab</h1>
          {state !== "done" && (
            <p class="soft">Set the password with which you will sign in from now on.</p>
          )}
        </div>
        {state === "done" ? (
          <>
            <p role="status">Your password is set.</p>
            <a class="button primary" href="/">
              Sign in
            </a>
          </>
        ) : (
          <>
            <label class="field">
              <span class="label">New password, at least {LEAST} characters</span>
              <input
                class="input"
                name="password"
                type="password"
                autocomplete="new-password"
                minLength={LEAST}
                required
              />
            </label>
            <label class="field">
              <span class="label">The same again</span>
              <input
                class="input"
                name="again"
                type="password"
                autocomplete="new-password"
                required
              />
            </label>
            {error && <ProblemNote error={error} />}
            <button type="submit" class="button primary" disabled={state === "busy" || !token}>
              {state === "busy" ? "Setting it" : "Set the password"}
            </button>
            {!token && (
              <p class="signin-wrong" role="alert">
                This address is not whole. Open the link again as it was sent to you.
              </p>
            )}
          </>
        )}
      </form>
    </main>
  );
}
