import { readiness } from "../../api/people";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";

function States({ of }: { of: Record<string, unknown> }) {
  return (
    <dl class="facts report">
      {Object.entries(of).map(([name, value]) => [
        <dt key={`${name}-t`}>{name.replaceAll("_", " ")}</dt>,
        <dd key={name}>
          {typeof value === "object" && value !== null ? (
            <States of={value as Record<string, unknown>} />
          ) : (
            String(value)
          )}
        </dd>,
      ])}
    </dl>
  );
}

/** Each service and what it depends on: databases, the cache of pictures, the store. */
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
      {ready.data && <States of={ready.data} />}
    </section>
  );
}
