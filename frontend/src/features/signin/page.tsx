import { ApiError } from "../../api/client";
import { signIn } from "../../api/session";
import { ProblemNote } from "../../ui/problem";
import { Door } from "./door";

function isRefusal(error: Error): boolean {
  return error instanceof ApiError && (error.status === 401 || error.status === 422);
}

export function SignInPage() {
  return (
    <Door
      title="EMBED Lab"
      text="Filter mammograms, read cases, freeze cohorts, train models."
      send={(data) => signIn(String(data.get("email")), String(data.get("password")))}
    >
      {({ state, error }) => (
        <>
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
          {error && isRefusal(error) && (
            <p class="signin-wrong" role="alert">
              Email and password do not belong together. Check both, or ask an administrator for a
              new password.
            </p>
          )}
          {error && !isRefusal(error) && <ProblemNote error={error} />}
          <button type="submit" class="button primary" disabled={state !== "open"}>
            {state === "open" ? "Sign in" : "Signing in"}
          </button>
          <p class="faint small">
            For research only, not for patient care. What you open is recorded in the audit log.
          </p>
        </>
      )}
    </Door>
  );
}
