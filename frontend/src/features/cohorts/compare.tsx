import { useEffect } from "preact/hooks";
import { compareCohorts } from "../../api/catalog";
import type { CohortComparison } from "../../api/types";
import { formatCount, formatTotals, plural } from "../../lib/format";
import { query } from "../../lib/url";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";
import { SkeletonLines } from "../../ui/skeleton";
import "./cohorts.css";

type Moved = CohortComparison["labels"];

function worded(value: unknown): string {
  if (value === null || value === undefined) return "–";
  if (Array.isArray(value)) return value.map(worded).join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}

function Overlap({ found }: { found: CohortComparison }) {
  const onlyA = found.only_a.images;
  const onlyB = found.only_b.images;
  const all = Math.max(1, onlyA + onlyB + found.in_both);
  const parts = [
    { name: `only ${found.a.name}`, images: onlyA, series: 1 },
    { name: "in both", images: found.in_both, series: 3 },
    { name: `only ${found.b.name}`, images: onlyB, series: 2 },
  ];
  return (
    <section class="stack" aria-label="Members">
      <h2>Members</h2>
      <div class="overlap" aria-hidden="true">
        {parts.map((part) => (
          <span
            key={part.name}
            class={`split-${part.series}`}
            style={{ "--part": part.images / all }}
          />
        ))}
      </div>
      <dl class="facts">
        {parts.map((part) => [
          <dt key={`${part.name}-t`}>{part.name}</dt>,
          <dd key={part.name}>{plural(part.images, "image")}</dd>,
        ])}
      </dl>
    </section>
  );
}

function MovedTable({ title, moved }: { title: string; moved: Moved }) {
  if (moved.length === 0) return null;
  return (
    <section class="stack">
      <h2>{title}</h2>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">In the first</th>
            <th scope="col">In the second</th>
            <th scope="col" class="number">
              Images
            </th>
          </tr>
        </thead>
        <tbody>
          {moved.map((one) => (
            <tr key={`${one.a} ${one.b}`}>
              <td>{one.a}</td>
              <td>{one.b}</td>
              <td class="number">{formatCount(one.images)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** Two frozen cohorts: what of the definition differs, and which members. */
export function CohortCompare() {
  const a = query.value.get("a") ?? "";
  const b = query.value.get("b") ?? "";
  const compared = useResource(a && b ? `compare ${a} ${b}` : null, (aborted) =>
    compareCohorts(a, b, aborted),
  );
  useEffect(() => {
    document.title = "Compare cohorts · EMBED Lab";
  }, []);
  const found = compared.data;
  return (
    <div class="page">
      <div class="inner">
        <header class="page-head">
          <h1>Compare cohorts</h1>
          <a href="/cohorts">All cohorts</a>
          {found && (
            <p class="lead">
              {found.same
                ? "Both have the same hash: the same members, labels and splits."
                : found.same_revision
                  ? "Both come from the same revision of the data."
                  : "They come from different revisions of the data."}
            </p>
          )}
        </header>
        {!(a && b) && <p class="soft">Tick two cohorts in the list of cohorts to compare them.</p>}
        {compared.error && <ProblemNote error={compared.error} retry={compared.reload} />}
        {!found && compared.slow && <SkeletonLines lines={[60, 100, 80]} />}
        {found && (
          <>
            <div class="two">
              {[found.a, found.b].map((one) => (
                <section key={one.cohort_id} class="stack">
                  <h2>
                    <a href={`/cohorts/${one.cohort_id}`}>{one.name}</a>
                  </h2>
                  <p>{formatTotals(one.counts)}</p>
                  <p class="mono faint">{one.sha256.slice(0, 24)}…</p>
                </section>
              ))}
            </div>
            <Overlap found={found} />
            <section class="stack" aria-label="Definition">
              <h2>What differs in the definition</h2>
              {found.definition.length === 0 ? (
                <p class="soft">Nothing.</p>
              ) : (
                <table class="table">
                  <thead>
                    <tr>
                      <th scope="col">Setting</th>
                      <th scope="col">{found.a.name}</th>
                      <th scope="col">{found.b.name}</th>
                    </tr>
                  </thead>
                  <tbody>
                    {found.definition.map((one) => (
                      <tr key={one.path}>
                        <td class="mono">{one.path}</td>
                        <td>{worded(one.a)}</td>
                        <td>{worded(one.b)}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              )}
            </section>
            <MovedTable title="Labels that moved" moved={found.labels} />
            <MovedTable title="Splits that moved" moved={found.splits} />
          </>
        )}
      </div>
    </div>
  );
}
