import { setPasswordByLink } from "../../api/people";
import { Door, LinkError, NewPassword, NotWhole, newPassword, useSecret } from "./door";

/** Where an invitation or a reset leads. */
export function WelcomePage() {
  const token = useSecret();
  return (
    <Door
      title="Welcome to EMBED Lab"
      text="Set the password with which you will sign in from now on."
      send={async (data) => setPasswordByLink(token, newPassword(data))}
    >
      {({ state, error }) =>
        state === "done" ? (
          <>
            <p role="status">Your password is set.</p>
            <a class="button primary" href="/">
              Sign in
            </a>
          </>
        ) : (
          <>
            <NewPassword />
            {error && <LinkError error={error} />}
            <button type="submit" class="button primary" disabled={state === "busy" || !token}>
              {state === "busy" ? "Setting it" : "Set the password"}
            </button>
            {!token && <NotWhole />}
          </>
        )
      }
    </Door>
  );
}
