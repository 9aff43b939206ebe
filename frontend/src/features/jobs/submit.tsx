import { useEffect, useMemo, useState } from "preact/hooks";
import { listCohorts } from "../../api/catalog";
import { putJob } from "../../api/live";
import { listExperiments, submitJob } from "../../api/trainer";
import type { Cohort, Experiment, JobRequest } from "../../api/types";
import { expectedPairs } from "../../lib/cohort";
import { compositionProblem, compositionRequest, parseComposition } from "../../lib/composition";
import { formatCount } from "../../lib/format";
import { fieldProblem, fieldValue, formFields, valueText } from "../../lib/schema";
import { navigate, query, setParameters, withQuery } from "../../lib/url";
import { ProblemNote } from "../../ui/problem";
import { Prose } from "../../ui/prose";
import { useResource } from "../../ui/resource";
import { SkeletonLines } from "../../ui/skeleton";
import { CohortSelect, isByImage } from "./cohort";
import { CompositionForm } from "./composition";
import { EstimateNote } from "./estimate";
import { SettingsForm } from "./form";
import { Gallery } from "./gallery";
import { PublishedTable } from "./published";
import "./jobs.css";

/** Changed settings stand in the address as `_o.epochs=5`, so a colleague gets the same form. */
const PREFIX = "_o.";

function changedTexts(): Map<string, string> {
  const pairs = [...query.value].filter(([key]) => key.startsWith(PREFIX));
  return new Map(pairs.map(([key, text]) => [key.slice(PREFIX.length), text]));
}

/** The builder, filled with the cohort this experiment expects. */
const builderAddress = ({ name, cohort }: Experiment): string =>
  withQuery("/cohorts/new", [["_train", name], ...(cohort ? expectedPairs(cohort) : [])]);

const fits = (cohort: Cohort, experiment: Experiment): boolean =>
  experiment.classes.length === 0 ||
  experiment.classes.every((name) => cohort.classes.some((one) => one.name === name));

function CohortChoice({
  experiment,
  cohorts,
}: {
  experiment: Experiment;
  cohorts: readonly Cohort[];
}) {
  const chosen = query.value.get("cohort") ?? "";
  const fitting = cohorts.filter((cohort) => fits(cohort, experiment));
  const cohort = cohorts.find((one) => one.cohort_id === chosen);
  return (
    <div class="field">
      <CohortSelect
        cohorts={cohort && !fitting.includes(cohort) ? [cohort, ...fitting] : fitting}
      />
      {cohort && !fits(cohort, experiment) && (
        <p class="wrong">
          This experiment tells {experiment.classes.join(" from ")}; the cohort has{" "}
          {cohort.classes.map((one) => one.name).join(", ")}.
        </p>
      )}
      {cohort && isByImage(cohort) && (
        <p class="note warning">
          This cohort is split by image, so the job follows the published protocol: pictures of one
          patient are trained on and tested, validation is trained on too, and the test split
          chooses the epoch. Its figures will be inflated. They are for comparison with published
          ones; a cohort split by patient gives a result.
        </p>
      )}
      <p class="help">
        {fitting.length === 0
          ? `No frozen cohort has the classes ${experiment.classes.join(" and ")} yet. `
          : ""}
        <a href={builderAddress(experiment)}>Build the cohort it expects</a>
      </p>
    </div>
  );
}

/** Arrays and patches lie on the workers' disks, in folders that have names. */
function ArrayChoice({ names }: { names: readonly string[] }) {
  const chosen = query.value.get("array") ?? "";
  return (
    <div class="field">
      <label class="label" for="array">
        Array
      </label>
      <select
        id="array"
        class="select"
        value={chosen}
        onChange={(event) => setParameters({ array: event.currentTarget.value }, { replace: true })}
      >
        <option value="">Choose what the lab keeps for its workers</option>
        {(chosen && !names.includes(chosen) ? [chosen, ...names] : names).map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
      {names.length === 0 && (
        <p class="help">There is nothing for this experiment in the workers' arrays folder yet.</p>
      )}
    </div>
  );
}

function ProfileChoice({ experiment }: { experiment: Experiment }) {
  const names = Object.keys(experiment.profiles ?? {});
  if (names.length < 2) return null;
  return (
    <div class="field">
      <label class="label" for="profile">
        Start from
      </label>
      <select
        id="profile"
        class="select"
        value={query.value.get("profile") ?? names[0]}
        onChange={(event) =>
          setParameters({ profile: event.currentTarget.value }, { replace: true })
        }
      >
        {names.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
      <p class="help">A set of settings to start from; what you change below stands over it.</p>
    </div>
  );
}

function SubmitForm({
  experiment,
  cohorts,
}: {
  experiment: Experiment;
  cohorts: readonly Cohort[];
}) {
  const [name, setName] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  // One key for this form as it stands: a second click is the same job, a changed form another.
  const address = query.value.toString();
  const key = useMemo(() => crypto.randomUUID(), [address, name]);
  const fields = formFields(experiment.overrides);
  const texts = changedTexts();
  const profile = query.value.get("profile") ?? Object.keys(experiment.profiles ?? {})[0];
  const values = (profile && experiment.profiles?.[profile]) || experiment.defaults;
  const defaults = new Map(
    Object.entries(values).map(([field, value]) => [field, valueText(value)]),
  );
  const draft = parseComposition(query.value);
  const averages = draft.kind === "ensemble";
  const changed = averages
    ? []
    : fields.filter((field) => texts.has(field.name) && texts.get(field.name) !== "");
  const wrong =
    changed.some((field) => fieldProblem(field, texts.get(field.name) ?? "") !== null) ||
    compositionProblem(draft, fields) !== null;
  const onArray = experiment.dataset_kind !== "cohort";
  const cohortId = query.value.get("cohort") ?? "";
  const array = query.value.get("array") ?? "";
  const cohort = onArray ? undefined : cohorts.find((one) => one.cohort_id === cohortId);
  const source = onArray ? array !== "" : cohort !== undefined && fits(cohort, experiment);
  const started = query.value.get("profile");
  const body: JobRequest = {
    experiment: experiment.name,
    ...(onArray ? { array } : { cohort_id: cohortId }),
    ...(cohort && isByImage(cohort) ? { protocol: "published" } : {}),
    overrides: Object.fromEntries(
      changed.map((field) => [field.name, fieldValue(field, texts.get(field.name) ?? "")]),
    ),
    ...(started ? { profile: started } : {}),
    ...compositionRequest(draft, fields),
  };
  const complete = source && !wrong;
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const job = await submitJob({ ...body, ...(name.trim() ? { name: name.trim() } : {}) }, key);
      putJob(job);
      navigate(`/jobs/${job.job_id}`);
    } catch (reason) {
      setError(reason instanceof Error ? reason : new Error(String(reason)));
      setBusy(false);
    }
  };
  return (
    <form class="stack submit" onSubmit={submit}>
      {onArray ? (
        <ArrayChoice names={experiment.arrays ?? []} />
      ) : (
        <CohortChoice experiment={experiment} cohorts={cohorts} />
      )}
      <div class="settings">
        <div class="field">
          <label class="label" for="job-name">
            Name
          </label>
          <input
            id="job-name"
            class="input"
            value={name}
            placeholder={`${experiment.name} ${texts.get("model") ?? defaults.get("model") ?? ""}`}
            maxLength={200}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </div>
        {!averages && <ProfileChoice experiment={experiment} />}
      </div>
      <CompositionForm experiment={experiment} draft={draft} fields={fields} defaults={defaults} />
      {averages ? (
        <p class="faint small">Nothing is trained: the mean is evaluated within seconds.</p>
      ) : (
        <>
          <h2>Settings</h2>
          <SettingsForm
            fields={fields}
            texts={texts}
            defaults={defaults}
            onChange={(field, text) => {
              const same = text === (defaults.get(field) ?? "");
              setParameters({ [PREFIX + field]: same ? null : text }, { replace: true });
            }}
          />
        </>
      )}
      <EstimateNote body={complete ? body : null} />
      {error && <ProblemNote error={error} />}
      <div class="row wrap">
        <button type="submit" class="button primary" disabled={busy || !complete}>
          {busy ? "Submitting" : "Submit the job"}
        </button>
        {cohort && (
          <span class="faint">
            {formatCount(cohort.counts.images)} images of {formatCount(cohort.counts.patients)}{" "}
            patients
          </span>
        )}
      </div>
    </form>
  );
}

export function JobSubmit() {
  const experiments = useResource(
    "experiments",
    async (aborted) => (await listExperiments(aborted)).items,
  );
  const cohorts = useResource("cohorts", listCohorts);
  const named = query.value.get("experiment");
  const carried = [...query.value].filter(([key]) => key === "cohort");
  const experiment = experiments.data?.find((one) => one.name === named);
  useEffect(() => {
    document.title = "New job · EMBED Lab";
  }, []);
  const failed = experiments.error ?? cohorts.error;
  return (
    <div class="page">
      <div class="inner">
        <header class="page-head">
          <h1>{experiment ? experiment.title : "New job"}</h1>
          {experiment && <span class="mono faint">{experiment.name}</span>}
          {experiment && <a href={withQuery("/jobs/new", carried)}>Other experiments</a>}
          {!experiment && (
            <a href={withQuery("/jobs/evaluate", carried)}>Evaluate scores instead</a>
          )}
          <p class="lead">
            {experiment ? (
              <Prose text={experiment.description} />
            ) : (
              "Choose an experiment. Each is a declared, versioned document; its settings can be changed."
            )}
          </p>
        </header>
        {failed && (
          <ProblemNote
            error={failed}
            retry={() => {
              experiments.reload();
              cohorts.reload();
            }}
          />
        )}
        {!experiments.data && experiments.slow && <SkeletonLines lines={[100, 100]} />}
        {experiments.data && !experiment && <Gallery experiments={experiments.data} />}
        {experiment && cohorts.data && (
          <div class="submit-page">
            <SubmitForm key={experiment.name} experiment={experiment} cohorts={cohorts.data} />
            <PublishedTable figures={experiment.published} />
          </div>
        )}
      </div>
    </div>
  );
}
