import { useState } from "preact/hooks";
import { freezeCohort, listMembers, retrieveCohort } from "../../api/catalog";
import { thumbnailUrl } from "../../api/pictures";
import { readArtifact } from "../../api/trainer";
import type { CohortDefinition, FrozenDefinition, Job, Member } from "../../api/types";
import { formatCount, formatPercent } from "../../lib/format";
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
/** As many images as the catalog takes in one definition. */
const MOST_SAVED = 10_000;
const NOTHING: PredictionTable = { unit: "sample", rows: [] };

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

interface Misread {
  readonly image: number;
  readonly label: string;
}

/** The images that were misread, the surest first; of exams, what the job's cohort has of them. */
async function misreadImages(
  { cohort_id, spec }: Job,
  unit: Unit,
  wrong: readonly Prediction[],
): Promise<readonly Misread[]> {
  if (unit === "image") return wrong.map(({ key, label }) => ({ image: Number(key), label }));
  const places = new Map(wrong.map((one, place) => [one.key, place]));
  const place = (member: Member): number => places.get(member.exam_id) ?? wrong.length;
  const split = spec.scores?.split ?? "test";
  return (await listMembers(cohort_id ?? ""))
    .filter((member) => member.split === split && places.has(member.exam_id))
    .sort((a, b) => place(a) - place(b))
    .map(({ image_id, label }) => ({ image: image_id, label }));
}

/** These images as the job's cohort labels them. */
function definitionOf(
  images: readonly Misread[],
  { label, recipe, split, seed }: FrozenDefinition,
): Omit<CohortDefinition, "name" | "dataset"> {
  const named = new Set(images.map((one) => one.label));
  const classes = label?.classes.filter((one) => named.has(one.name)) ?? [];
  return {
    filter: {},
    images: images.map((one) => one.image),
    ...(label ? { label: { ...label, classes } } : {}),
    ...(recipe ? { recipe } : {}),
    split,
    seed,
  };
}

interface SavedCohort {
  readonly cohortId: string;
  /** Images that were too many for one definition. */
  readonly left: number;
}

interface SaveProps {
  readonly job: Job;
  readonly unit: Unit;
  readonly wrong: readonly Prediction[];
}

/** Saves them as a cohort of their own, labelled as the job's cohort labels them. */
function SaveWrong({ job, unit, wrong }: SaveProps) {
  const [state, setState] = useState<"busy" | Error | SavedCohort | null>(null);
  const cohortId = job.cohort_id;
  if (!cohortId || wrong.length === 0) return null;
  const save = async (): Promise<void> => {
    setState("busy");
    try {
      const { definition, dataset } = await retrieveCohort(cohortId);
      const images = await misreadImages(job, unit, wrong);
      const made = await freezeCohort({
        name: `Misclassified by ${job.name}`.slice(0, 200),
        dataset,
        ...definitionOf(images.slice(0, MOST_SAVED), definition),
      });
      setState({ cohortId: made.cohort_id, left: Math.max(0, images.length - MOST_SAVED) });
    } catch (reason) {
      setState(reason instanceof Error ? reason : new Error(String(reason)));
    }
  };
  if (state instanceof Error) return <ProblemNote error={state} retry={() => void save()} />;
  if (state && state !== "busy") {
    return (
      <p>
        Saved as a <a href={`/cohorts/${state.cohortId}`}>cohort</a>
        {state.left > 0 && `, but for the ${formatCount(state.left)} that are least sure`}.
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
      {(unit === "image" || unit === "exam") && <SaveWrong job={job} unit={unit} wrong={wrong} />}
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
