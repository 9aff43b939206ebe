import { useState } from "preact/hooks";
import { freezeCohort, retrieveCohort } from "../../api/catalog";
import { thumbnailUrl } from "../../api/pictures";
import { readArtifact } from "../../api/trainer";
import type { Job } from "../../api/types";
import { formatPercent, plural } from "../../lib/format";
import { misclassified, type Prediction, parsePredictions } from "../../lib/predictions";
import { versionOf } from "../../shell/workspace";
import { usePicture } from "../../ui/picture";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";

const MOST = 60;
const MOST_SAVED = 10_000;

function Case({ one, version }: { one: Prediction; version: string }) {
  const { src } = usePicture(thumbnailUrl(one.imageId, 192, version), one.imageId);
  return (
    <li>
      <a href={`/images/${one.imageId}`} class="wrong-case on-black">
        {src ? <img src={src} alt="" /> : <span class="wrong-wait" />}
        <span>
          is <strong>{one.label}</strong>, said <strong>{one.said}</strong>{" "}
          <span class="faint">{formatPercent(one.share, 0)}</span>
        </span>
        <span class="visually-hidden">image {one.imageId}</span>
      </a>
    </li>
  );
}

/** Saves them as a cohort of their own, labelled as the job's cohort labels them. */
function SaveWrong({ job, wrong }: { job: Job; wrong: readonly Prediction[] }) {
  const [state, setState] = useState<"busy" | Error | string | null>(null);
  const cohortId = job.cohort_id;
  if (!cohortId || wrong.length === 0) return null;
  const save = async (): Promise<void> => {
    setState("busy");
    try {
      const { definition, dataset } = await retrieveCohort(cohortId);
      const { label, recipe } = definition;
      const named = new Set(wrong.map((one) => one.label));
      const classes = label?.classes.filter((one) => named.has(one.name)) ?? [];
      const made = await freezeCohort({
        name: `Misclassified by ${job.name}`.slice(0, 200),
        dataset,
        filter: {},
        images: [...new Set(wrong.map((one) => one.imageId))].slice(0, MOST_SAVED),
        ...(label ? { label: { ...label, classes } } : {}),
        ...(recipe ? { recipe } : {}),
        split: definition.split,
        seed: definition.seed,
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
    <button type="button" class="button" disabled={state === "busy"} onClick={() => void save()}>
      Save as a cohort
    </button>
  );
}

/** Where the model erred on its test split, the surest errors first; each opens its case. */
export function Misclassified({ job }: { job: Job }) {
  const found = useResource(
    job.state === "succeeded" ? `predictions ${job.job_id}` : null,
    async (aborted) => parsePredictions(await readArtifact(job.job_id, "predictions.csv", aborted)),
  );
  if (found.error) return <ProblemNote error={found.error} retry={found.reload} />;
  if (!found.data || found.data.length === 0) return null;
  const wrong = misclassified(found.data);
  return (
    <section class="stack" aria-label="Misclassified cases">
      <h2>
        Misclassified cases{" "}
        <span class="faint">
          {wrong.length} of {plural(found.data.length, "test image")}
        </span>
      </h2>
      <SaveWrong job={job} wrong={wrong} />
      {wrong.length === 0 && <p class="soft">None on the test split.</p>}
      <ul class="wrong-cases">
        {wrong.slice(0, MOST).map((one) => (
          <Case key={one.imageId} one={one} version={versionOf(job.dataset ?? "")} />
        ))}
      </ul>
      {wrong.length > MOST && (
        <p class="faint">The {MOST} surest are shown; predictions.csv below has them all.</p>
      )}
    </section>
  );
}
