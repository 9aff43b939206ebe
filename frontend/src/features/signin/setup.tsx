import { createFirstAdmin } from "../../api/people";
import { Door, LinkError, NewPassword, NotWhole, newPassword, useSecret } from "./door";

/** Where the log of a first start leads: whoever runs the server makes the first account. */
export function SetupPage() {
  const token = useSecret();
  return (
    <Door
      title="Set up EMBED Lab"
      text="Nobody has an account yet. Yours will be the first, and an administrator's."
      send={async (data) =>
        createFirstAdmin({
          token,
          email: String(data.get("email")),
          name: String(data.get("name")),
          password: newPassword(data),
        })
      }
    >
      {({ state, error }) =>
        state === "done" ? (
          <>
            <p role="status">You are the first administrator.</p>
            <a class="button primary" href="/">
              Sign in
            </a>
          </>
        ) : (
          <>
            <label class="field">
              <span class="label">Name</span>
              <input class="input" name="name" autocomplete="name" required />
            </label>
            <label class="field">
              <span class="label">Email</span>
              <input class="input" name="email" type="email" autocomplete="username" required />
            </label>
            <NewPassword />
            {error && <LinkError error={error} />}
            <button type="submit" class="button primary" disabled={state === "busy" || !token}>
              {state === "busy" ? "Creating it" : "Create the account"}
            </button>
            {!token && <NotWhole />}
          </>
        )
      }
    </Door>
  );
}
