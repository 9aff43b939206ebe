import { useState } from "preact/hooks";
import { createToken, listTokens, revokeToken } from "../../api/people";
import type { NewToken, Token, TokenScope } from "../../api/types";
import { formatDate, formatWhen } from "../../lib/format";
import { Copyable } from "../../ui/copy";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";
import { TableScroll } from "../../ui/scroll";

const SCOPES: readonly { scope: TokenScope; words: string }[] = [
  { scope: "read", words: "read" },
  { scope: "write", words: "write: cohorts, queries, flags, jobs" },
  { scope: "export", words: "export: originals, tables, weights" },
];

const asError = (reason: unknown): Error =>
  reason instanceof Error ? reason : new Error(String(reason));

function NewTokenForm({ onMade }: { onMade: (token: NewToken) => void }) {
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<readonly TokenScope[]>(["read"]);
  const [days, setDays] = useState("90");
  const [error, setError] = useState<Error | null>(null);
  const make = (event: Event): void => {
    event.preventDefault();
    setError(null);
    createToken(name.trim(), scopes, Number(days)).then(
      (token) => {
        setName("");
        onMade(token);
      },
      (reason: unknown) => setError(asError(reason)),
    );
  };
  return (
    <form class="token-form" onSubmit={make}>
      <label class="field">
        <span class="label">Name</span>
        <input
          class="input"
          value={name}
          required
          maxLength={200}
          placeholder="notebook"
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      <label class="field">
        <span class="label">Days it lives</span>
        <input
          class="input"
          type="number"
          min={1}
          max={366}
          value={days}
          onInput={(event) => setDays(event.currentTarget.value)}
        />
      </label>
      <fieldset class="scopes">
        <legend class="label">What it may do</legend>
        {SCOPES.map(({ scope, words }) => (
          <label key={scope} class="check">
            <input
              type="checkbox"
              checked={scopes.includes(scope)}
              onChange={() =>
                setScopes(
                  scopes.includes(scope)
                    ? scopes.filter((one) => one !== scope)
                    : [...scopes, scope],
                )
              }
            />{" "}
            {words}
          </label>
        ))}
      </fieldset>
      <button type="submit" class="button primary" disabled={scopes.length === 0}>
        Create a token
      </button>
      {error && <ProblemNote error={error} />}
    </form>
  );
}

/** API tokens: shown once when made, revoked by one press. */
export function Tokens() {
  const tokens = useResource("tokens", async (aborted) => (await listTokens(aborted)).items);
  const [fresh, setFresh] = useState<NewToken | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const revoke = (token: Token): void => {
    setError(null);
    revokeToken(token.token_id).then(
      () => {
        if (fresh?.token_id === token.token_id) setFresh(null);
        tokens.reload();
      },
      (reason: unknown) => setError(asError(reason)),
    );
  };
  const problem = error ?? tokens.error;
  return (
    <section class="stack" aria-label="API tokens">
      <h2>API tokens</h2>
      <p class="soft">For notebooks and the command line. A token acts in your name.</p>
      <NewTokenForm
        onMade={(token) => {
          setFresh(token);
          tokens.reload();
        }}
      />
      {fresh && (
        <div class="note warning" role="status">
          <p>
            Copy <strong>{fresh.name}</strong> now; it is never shown again.
          </p>
          <Copyable text={fresh.token} label="token" />
        </div>
      )}
      {problem && <ProblemNote error={problem} retry={tokens.reload} />}
      {tokens.data && tokens.data.length > 0 && (
        <TableScroll label="Tokens">
          <table class="table">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Ends with</th>
                <th scope="col">May</th>
                <th scope="col">Expires</th>
                <th scope="col">Last used</th>
                <th scope="col">
                  <span class="visually-hidden">Revoke</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {tokens.data.map((token) => (
                <tr key={token.token_id}>
                  <td>{token.name}</td>
                  <td class="mono">…{token.hint}</td>
                  <td>{token.scopes.join(", ")}</td>
                  <td>{formatDate(token.expires_at)}</td>
                  <td class="soft">{token.used_at ? formatWhen(token.used_at) : "never"}</td>
                  <td class="number">
                    <button type="button" class="button danger" onClick={() => revoke(token)}>
                      Revoke <span class="visually-hidden">{token.name}</span>
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableScroll>
      )}
    </section>
  );
}
