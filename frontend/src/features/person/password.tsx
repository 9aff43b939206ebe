import { useState } from "preact/hooks";
import { changePassword } from "../../api/people";
import { ProblemNote } from "../../ui/problem";

/** A new password ends every session, so the page starts anew at the sign-in. */
export function Password() {
  const [error, setError] = useState<Error | null>(null);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (!(event.currentTarget instanceof HTMLFormElement)) return;
    const data = new FormData(event.currentTarget);
    setError(null);
    changePassword(String(data.get("current")), String(data.get("password"))).then(
      () => window.location.assign("/"),
      (reason: unknown) => setError(reason instanceof Error ? reason : new Error(String(reason))),
    );
  };
  return (
    <section class="stack" aria-label="Password">
      <h2>Password</h2>
      <p class="soft">A new one signs you out everywhere. API tokens stay.</p>
      <form class="password-form" onSubmit={submit}>
        <label class="field">
          <span class="label">Current password</span>
          <input
            class="input"
            name="current"
            type="password"
            autocomplete="current-password"
            required
          />
        </label>
        <label class="field">
          <span class="label">New password</span>
          <input
            class="input"
            name="password"
            type="password"
            autocomplete="new-password"
            required
          />
        </label>
        <button type="submit" class="button">
          Change the password
        </button>
        {error && <ProblemNote error={error} />}
      </form>
    </section>
  );
}
