import { useEffect } from "preact/hooks";
import { listFilters, retrieveCohort } from "../../api/catalog";
import { mayTrain } from "../../api/session";
import type { Cohort } from "../../api/types";
import { filterPairs, fromJson } from "../../lib/filter";
import { formatTotals, formatWhen, plural } from "../../lib/format";
import { filterWords } from "../../lib/pieces";
import { withQuery } from "../../lib/url";
import { shownDataset } from "../../shell/workspace";
import { Copyable } from "../../ui/copy";
import { Icon } from "../../ui/icon";
import { ownerName } from "../../ui/owner";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";
import { SkeletonLines } from "../../ui/skeleton";
import { Attrition, BalanceTable, Warnings } from "./balance";
import { DeleteButton } from "./delete";
import { Exports } from "./exports";
import { SplitBalance } from "./splits";
import "./cohorts.css";

const POLICY: Readonly<Record<string, string>> = {
  worst: "the worst finding decides",
  exclude: "images whose findings disagree are left out",
  finding: "each finding with a ROI counts by itself",
};

function Definition({ cohort }: { cohort: Cohort }) {
  const { definition } = cohort;
  const filter = fromJson(definition.filter);
  const fields = useResource(`filters ${cohort.dataset}`, (aborted) =>
    listFilters(cohort.dataset, aborted),
  );
  const words = filterWords(filter, fields.data ?? []);
  const named = definition.label?.field ?? "";
  const label = fields.data?.find((field) => field.name === named)?.label ?? named;
  const { split } = definition;
  const parts = [split.train, split.validation, split.test]
    .map((part) => Math.round(part * 100))
    .join("/");
  return (
    <p class="definition">
      From {words.length ? words.join(" and ") : "all images"},{" "}
      {definition.recipe
        ? `curated by the recipe ${definition.recipe.name}`
        : `label by ${label}; ${POLICY[definition.label?.policy ?? "worst"]}`}
      {definition.match
        ? `; ${plural(definition.match.controls, "control exam")} for each of ${definition.match.cases}, alike in ${definition.match.on.join(", ")}`
        : ""}
      {definition.sampling ? `; at most ${definition.sampling.per_class} images of each class` : ""}
      . Split {parts} by {split.by}, seed {definition.seed}. (
      <a href={withQuery("/explore", [...filterPairs(filter), ["dataset", cohort.dataset]])}>
        See the images
      </a>
      )
    </p>
  );
}

export function CohortDetail({ id }: { id: string }) {
  const loaded = useResource(`cohort ${id}`, (aborted) => retrieveCohort(id, aborted));
  const cohort = loaded.data;
  const chosen: [string, string][] = [["cohort", id]];
  useEffect(() => {
    document.title = `${cohort?.name ?? "Cohort"} · EMBED Lab`;
    shownDataset.value = cohort?.dataset ?? null;
    return () => {
      shownDataset.value = null;
    };
  }, [cohort?.name, cohort?.dataset]);
  if (loaded.error && !cohort) {
    return (
      <div class="empty">
        <ProblemNote error={loaded.error} retry={loaded.reload}>
          <a class="button" href="/cohorts">
            All cohorts
          </a>
        </ProblemNote>
      </div>
    );
  }
  return (
    <div class="page">
      <div class="inner">
        {!cohort && loaded.slow && <SkeletonLines lines={[30, 60, 100, 100]} />}
        {cohort && (
          <>
            <header class="page-head">
              <h1>{cohort.name}</h1>
              <span class="badge">
                <Icon name="lock" size={12} /> frozen {formatWhen(cohort.created_at)}
              </span>
              <span class="grow" />
              {mayTrain() && <DeleteButton cohort={cohort} />}
              {mayTrain() && (
                <>
                  <a class="button" href={withQuery("/jobs/evaluate", chosen)}>
                    Evaluate scores
                  </a>
                  <a class="button primary" href={withQuery("/jobs/new", chosen)}>
                    <Icon name="train" size={14} /> Train on it
                  </a>
                </>
              )}
              <p class="lead">{formatTotals(cohort.counts)}</p>
            </header>
            <Definition cohort={cohort} />
            <Warnings warnings={cohort.warnings} />
            <section class="stack">
              <h2>Classes and splits</h2>
              <BalanceTable classes={cohort.classes} />
              <SplitBalance cohort={cohort} />
            </section>
            <Exports cohort={cohort} />
            <div class="two">
              <section class="stack">
                <h2>How it came about</h2>
                <Attrition steps={cohort.attrition} />
              </section>
              <section class="stack">
                <h2>To cite it</h2>
                <dl class="facts">
                  <dt>sha256</dt>
                  <dd>
                    <Copyable
                      text={cohort.sha256}
                      shown={`${cohort.sha256.slice(0, 24)}…`}
                      label="hash"
                    />
                  </dd>
                  <dt>Cohort</dt>
                  <dd>
                    <Copyable text={cohort.cohort_id} label="cohort id" />
                  </dd>
                  <dt>Dataset</dt>
                  <dd>
                    {cohort.dataset}, revision {String(cohort.revision_id)}
                  </dd>
                  <dt>Owner</dt>
                  <dd>{ownerName(cohort.owner)}</dd>
                  <dt>Seed</dt>
                  <dd>{cohort.definition.seed}</dd>
                </dl>
              </section>
            </div>
          </>
        )}
      </div>
    </div>
  );
}
