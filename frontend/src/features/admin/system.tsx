import { readiness } from "../../api/people";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";
import { TableScroll } from "../../ui/scroll";

const WORDS = { ok: "works", degraded: "works in part", failed: "does not work" } as const;

/** Each service and what the gateway itself depends on; what is wrong where something is. */
export function System() {
  const ready = useResource("readyz", readiness);
  return (
    <section class="stack" aria-label="Services">
      <div>
        <button type="button" class="button" onClick={ready.reload}>
          Refresh
        </button>
      </div>
      {ready.error && <ProblemNote error={ready.error} retry={ready.reload} />}
      {ready.data && (
        <TableScroll label="State of each service">
          <table class="table report">
            <thead>
              <tr>
                <th scope="col">Service</th>
                <th scope="col">State</th>
                <th scope="col">What is wrong</th>
              </tr>
            </thead>
            <tbody>
              {Object.entries(ready.data.dependencies).map(([name, { state, detail }]) => (
                <tr key={name}>
                  <td>{name}</td>
                  <td class={state === "ok" ? "" : "state-wrong"}>{WORDS[state]}</td>
                  <td class="soft">{detail ?? "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableScroll>
      )}
    </section>
  );
}
