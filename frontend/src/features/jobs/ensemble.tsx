import { useState } from "preact/hooks";
import { jobList } from "../../api/live";
import type { Job } from "../../api/types";
import type { CompositionDraft } from "../../lib/composition";
import { cannotJoin, type DataChoice, isOn } from "../../lib/ensemble";
import { formatFigure, formatWhen, plural } from "../../lib/format";
import { figuresOf } from "../../lib/metrics";
import { query, setParameters } from "../../lib/url";

/** With more than so many, one looks for a name. */
const MANY = 8;

const aucOf = (job: Job): number | null =>
  figuresOf(job.metrics?.test).find((one) => one.name === "roc_auc")?.value ?? null;

function Candidate({
  job,
  chosen,
  refused,
  onChoose,
}: {
  job: Job;
  chosen: boolean;
  refused: string | null;
  onChoose: (on: boolean) => void;
}) {
  const auc = aucOf(job);
  return (
    <li>
      <label class={`candidate ${refused ? "refused" : ""}`}>
        <input
          type="checkbox"
          checked={chosen}
          disabled={refused !== null && !chosen}
          onChange={(event) => onChoose(event.currentTarget.checked)}
        />
        <span>
          {job.name || job.experiment}
          <br />
          <span class={refused && chosen ? "wrong" : "faint"}>
            {refused ??
              [
                job.spec.settings.model,
                auc !== null && `AUC ${formatFigure(auc)}`,
                formatWhen(job.created_at),
                job.job_id.slice(0, 8),
              ]
                .filter(Boolean)
                .join(", ")}
          </span>
        </span>
      </label>
    </li>
  );
}

/** Finished jobs on the same data, whose class probabilities are averaged; what would be refused says why. */
export function EnsembleForm({ draft }: { draft: CompositionDraft }) {
  const [words, setWords] = useState("");
  const data: DataChoice = {
    cohort: query.value.get("cohort") ?? "",
    array: query.value.get("array") ?? "",
  };
  const all = jobList.value;
  const here = all.filter((job) => isOn(job, data));
  const first = here.find((job) => job.job_id === draft.jobs[0]);
  const rows = here
    .map((job) => ({ job, refused: cannotJoin(job, first) }))
    .sort((a, b) => Number(a.refused !== null) - Number(b.refused !== null));
  const shown = rows.filter(({ job }) => job.name.toLowerCase().includes(words.toLowerCase()));
  const elsewhere = all.filter((job) => job.state === "succeeded" && !isOn(job, data)).length;
  const unknown = draft.jobs.filter((id) => !here.some((job) => job.job_id === id));
  const choose = (id: string, on: boolean): void => {
    const rest = draft.jobs.filter((one) => one !== id);
    setParameters({ _jobs: (on ? [...rest, id] : rest).join(",") || null }, { replace: true });
  };
  if (!data.cohort && !data.array)
    return (
      <p class="soft">Choose the data first: jobs are averaged where they share a test split.</p>
    );
  return (
    <div class="field">
      <span class="label" id="ensemble-label">
        Jobs to average
      </span>
      {rows.length > MANY && (
        <input
          class="input"
          type="search"
          aria-label="Find a job by its name"
          placeholder="Find a job by its name"
          value={words}
          onInput={(event) => setWords(event.currentTarget.value)}
        />
      )}
      {rows.length === 0 && <p class="soft">No job has been trained on this yet.</p>}
      <ul class="candidates" aria-labelledby="ensemble-label">
        {shown.map(({ job, refused }) => (
          <Candidate
            key={job.job_id}
            job={job}
            refused={refused}
            chosen={draft.jobs.includes(job.job_id)}
            onChoose={(on) => choose(job.job_id, on)}
          />
        ))}
      </ul>
      {unknown.length > 0 && (
        <p class="wrong">
          {plural(unknown.length, "job")} of this link {unknown.length === 1 ? "was" : "were"} not
          trained on this.{" "}
          <button
            type="button"
            class="button"
            onClick={() =>
              setParameters(
                { _jobs: draft.jobs.filter((id) => !unknown.includes(id)).join(",") || null },
                { replace: true },
              )
            }
          >
            Leave out
          </button>
        </p>
      )}
      {elsewhere > 0 && (
        <p class="help">
          {plural(elsewhere, "finished job")} on other data cannot take part: an average needs the
          same test images.
        </p>
      )}
    </div>
  );
}
