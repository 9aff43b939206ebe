import { useState } from "preact/hooks";
import { freezeCohort, retrieveCohort } from "../../api/catalog";
import { thumbnailUrl } from "../../api/pictures";
import { readArtifact } from "../../api/trainer";
import type { CohortDefinition, FrozenDefinition, Job } from "../../api/types";
import { formatPercent } from "../../lib/format";
import {
  countOf,
  misclassified,
  type Prediction,
  type PredictionTable,
  parsePredictions,
  type Unit,
} from "../../lib/predictions";
import { withQuery } from "../../lib/url";
import { versionOf } from "../../shell/workspace";
import { usePicture } from "../../ui/picture";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";

const MOST = 60;
/** As many as the catalog takes in one definition, of each. */
const MOST_SAVED = { image: 10_000, exam: 1_000 } as const;
type Saved = keyof typeof MOST_SAVED;
const NOTHING: PredictionTable = { unit: "sample", rows: [] };

const isSaved = (unit: Unit): unit is Saved => unit in MOST_SAVED;

function Said({ one }: { one: Prediction }) {
  return (
    <span>
      is <strong>{one.label}</strong>, said <strong>{one.said}</strong>{" "}
      <span class="faint">{formatPercent(one.share, 0)}</span>
    </span>
  );
}

function Pictured({ one, version }: { one: Prediction; version: string }) {
  const imageId = Number(one.key);
  const { src } = usePicture(thumbnailUrl(imageId, 192, version), imageId);
  return (
    <a href={`/images/${one.key}`} class="wrong-case on-black">
      {src ? <img src={src} alt="" /> : <span class="wrong-wait" />}
      <Said one={one} />
      <span class="visually-hidden">image {one.key}</span>
    </a>
  );
}

/** What has no picture here is told by name; an exam leads to its images. */
function Named({ one, unit, dataset }: { one: Prediction; unit: Unit; dataset: string }) {
  const exam = withQuery("/explore", [
    ["acc_anon", one.key],
    ["dataset", dataset],
  ]);
  const name = `${unit} ${one.key}`;
  return (
    <div class="wrong-named">
      {unit === "exam" ? <a href={exam}>{name}</a> : <span>{name}</span>}
      <Said one={one} />
    </div>
  );
}

/** What was read wrongly as a definition: these images, or the images of these exams that the cohort's filter takes. */
function definitionOf(
  unit: Saved,
  wrong: readonly Prediction[],
  { filter, label, recipe, split, seed }: FrozenDefinition,
): Omit<CohortDefinition, "name" | "dataset"> {
  const keys = [...new Set(wrong.map((one) => one.key))].slice(0, MOST_SAVED[unit]);
  const named = new Set(wrong.map((one) => one.label));
  const classes = label?.classes.filter((one) => named.has(one.name)) ?? [];
  return {
    ...(unit === "exam"
      ? { filter: { ...filter, acc_anon: keys } }
      : { filter: {}, images: keys.map(Number) }),
    ...(label ? { label: { ...label, classes } } : {}),
    ...(recipe ? { recipe } : {}),
    split,
    seed,
  };
}

interface SaveProps {
  readonly job: Job;
  readonly unit: Saved;
  readonly wrong: readonly Prediction[];
}

/** Saves them as a cohort of their own, labelled as the job's cohort labels them. */
function SaveWrong({ job, unit, wrong }: SaveProps) {
  const [state, setState] = useState<"busy" | Error | string | null>(null);
  const cohortId = job.cohort_id;
  if (!cohortId || wrong.length === 0) return null;
  const save = async (): Promise<void> => {
    setState("busy");
    try {
      const { definition, dataset } = await retrieveCohort(cohortId);
      const made = await freezeCohort({
        name: `Misclassified by ${job.name}`.slice(0, 200),
        dataset,
        ...definitionOf(unit, wrong, definition),
      });
      setState(made.cohort_id);
    } catch (reason) {
      setState(reason instanceof Error ? reason : new Error(String(reason)));
    }
  };
  if (state instanceof Error) return <ProblemNote error={state} retry={() => void save()} />;
  if (state && state !== "busy") {
    return (
      <p>
        Saved as a <a href={`/cohorts/${state}`}>cohort</a>.
      </p>
    );
  }
  return (
    <div class="row">
      <button type="button" class="button" disabled={state === "busy"} onClick={() => void save()}>
        {unit === "exam" ? "Save their images as a cohort" : "Save as a cohort"}
      </button>
    </div>
  );
}

/** Of which part the predictions are; weights that predict a whole cohort have no part of their own. */
function partOf({ prediction, scores }: Job["spec"]): string {
  return prediction ? "" : (scores?.split ?? "test");
}

/** Where the model erred, the surest errors first; images open their case, exams their images. */
export function Misclassified({ job }: { job: Job }) {
  const found = useResource(
    job.state === "succeeded" ? `predictions ${job.job_id}` : null,
    async (aborted) =>
      parsePredictions(
        await readArtifact(job.job_id, "predictions.csv", aborted),
        job.spec.source.kind,
      ),
  );
  if (found.error) return <ProblemNote error={found.error} retry={found.reload} />;
  const { unit, rows } = found.data ?? NOTHING;
  if (rows.length === 0) return null;
  const wrong = misclassified(rows);
  const dataset = job.dataset ?? "";
  return (
    <section class="stack" aria-label="Misclassified cases">
      <h2>
        Misclassified cases{" "}
        <span class="faint">
          {wrong.length} of {countOf(rows.length, unit, partOf(job.spec))}
        </span>
      </h2>
      {isSaved(unit) && <SaveWrong job={job} unit={unit} wrong={wrong} />}
      {wrong.length === 0 && <p class="soft">None.</p>}
      <ul class={unit === "image" ? "wrong-cases" : "wrong-cases named"}>
        {wrong.slice(0, MOST).map((one) => (
          <li key={one.key}>
            {unit === "image" ? (
              <Pictured one={one} version={versionOf(dataset)} />
            ) : (
              <Named one={one} unit={unit} dataset={dataset} />
            )}
          </li>
        ))}
      </ul>
      {wrong.length > MOST && (
        <p class="faint">The {MOST} surest are shown; predictions.csv below has them all.</p>
      )}
    </section>
  );
}
