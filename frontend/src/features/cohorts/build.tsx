import { useEffect, useState } from "preact/hooks";
import { freezeCohort, listFilters, listRecipes, previewCohort } from "../../api/catalog";
import type { CohortPreview } from "../../api/types";
import {
  type CohortDraft,
  definitionOf,
  draftPairs,
  draftProblem,
  parseDraft,
  suggestName,
} from "../../lib/cohort";
import { filterPairs } from "../../lib/filter";
import { formatTotals } from "../../lib/format";
import { navigate, query, withQuery } from "../../lib/url";
import { dataset } from "../../shell/workspace";
import { Icon } from "../../ui/icon";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";
import { SkeletonLines } from "../../ui/skeleton";
import { Attrition, BalanceTable, Warnings } from "./balance";
import { ClassEditor } from "./classes";
import { Conditions, RecipeChoice } from "./conditions";
import { Sentence } from "./sentence";
import "./cohorts.css";

function apply(draft: CohortDraft, datasetName: string): void {
  const kept: [string, string][] = [["dataset", datasetName]];
  const train = query.value.get("_train");
  if (train) kept.push(["_train", train]);
  navigate(
    withQuery("/cohorts/new", [...filterPairs(draft.filter), ...draftPairs(draft), ...kept]),
    { replace: true },
  );
}

function Preview({ preview, stale }: { preview: CohortPreview; stale: boolean }) {
  return (
    <div class={`cohort-preview ${stale ? "stale" : ""}`} aria-live="polite">
      <p class="cohort-total">{formatTotals(preview.counts)}</p>
      <Warnings warnings={preview.warnings} />
      <section class="stack">
        <h2>Classes and splits</h2>
        <BalanceTable classes={preview.classes} />
      </section>
      <section class="stack">
        <h2>How it came about</h2>
        <Attrition steps={preview.attrition} />
      </section>
    </div>
  );
}

/** Freezing is one deliberate act: afterwards the members never change. */
function Freeze({
  draft,
  datasetName,
  ready,
}: {
  draft: CohortDraft;
  datasetName: string;
  ready: boolean;
}) {
  const [name, setName] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const suggested = suggestName(draft);
  const freeze = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const cohort = await freezeCohort(definitionOf(draft, datasetName, name.trim() || suggested));
      const experiment = query.value.get("_train");
      navigate(
        experiment
          ? withQuery("/jobs/new", [
              ["experiment", experiment],
              ["cohort", cohort.cohort_id],
            ])
          : `/cohorts/${cohort.cohort_id}`,
      );
    } catch (reason) {
      setError(reason instanceof Error ? reason : new Error(String(reason)));
      setBusy(false);
    }
  };
  return (
    <form class="freeze" onSubmit={freeze}>
      <label class="field grow">
        <span class="label">Name</span>
        <input
          class="input"
          value={name}
          placeholder={suggested}
          maxLength={200}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="button primary" disabled={!ready || busy}>
        <Icon name="lock" size={14} />
        {busy ? "Freezing" : "Freeze this cohort"}
      </button>
      {error && <ProblemNote error={error} />}
    </form>
  );
}

export function CohortBuild() {
  const draft = parseDraft(query.value);
  const name = dataset.value?.name ?? null;
  const problem = draftProblem(draft);
  const definition = name ? definitionOf(draft, name, "preview") : null;
  const fields = useResource(name && `filters ${name}`, (aborted) =>
    listFilters(name ?? "", aborted),
  );
  const recipes = useResource("recipes", async (aborted) => (await listRecipes(aborted)).items);
  const key = definition && !problem ? JSON.stringify(definition) : null;
  const preview = useResource(key, (aborted) => {
    if (!definition) throw new Error("nothing to preview");
    return previewCohort(definition, aborted);
  });
  useEffect(() => {
    document.title = "New cohort · EMBED Lab";
  }, []);
  const change = (changes: Partial<CohortDraft>): void => {
    if (name) apply({ ...draft, ...changes }, name);
  };
  const known = fields.data ?? [];
  return (
    <div class="page">
      <div class="inner">
        <header class="page-head">
          <h1>New cohort</h1>
          <p class="lead">
            Choose what is compared; the counts follow as you type. A frozen cohort keeps its
            members, labels and splits for ever, and its hash names it in a paper.
          </p>
        </header>
        <div class="cohort-build">
          <section class="stack" aria-label="Definition">
            <Sentence draft={draft} fields={known} dataset={name ?? ""} onChange={change} />
            <RecipeChoice draft={draft} recipes={recipes.data ?? []} onChange={change} />
            {!draft.recipe && (
              <>
                <h2>Classes</h2>
                <ClassEditor
                  field={known.find((field) => field.name === draft.field)}
                  classes={draft.classes}
                  onChange={(classes) => change({ classes })}
                />
              </>
            )}
            <h2>Conditions</h2>
            <Conditions draft={draft} onChange={change} />
          </section>
          <section class="stack" aria-label="Preview">
            {problem && <p class="note warning">{problem}</p>}
            {!problem && preview.error && (
              <ProblemNote error={preview.error} retry={preview.reload} />
            )}
            {!preview.data && preview.slow && <SkeletonLines lines={[50, 90, 85, 60, 75]} />}
            {preview.data && !preview.error && (
              <Preview preview={preview.data} stale={preview.slow || problem !== null} />
            )}
            <Freeze
              draft={draft}
              datasetName={name ?? ""}
              ready={Boolean(preview.data) && !preview.error && !preview.stale && !problem}
            />
          </section>
        </div>
      </div>
    </div>
  );
}
