import { useEffect, useState } from "preact/hooks";
import { listCohorts } from "../../api/catalog";
import { putJob } from "../../api/live";
import { evaluateScores } from "../../api/trainer";
import type { Cohort, SplitName } from "../../api/types";
import { plural } from "../../lib/format";
import { navigate, query, setParameters } from "../../lib/url";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";
import { SkeletonLines } from "../../ui/skeleton";
import { CohortSelect } from "./cohort";
import "./jobs.css";

const SPLITS: readonly SplitName[] = ["test", "validation", "train"];

const splitAsked = (): SplitName =>
  SPLITS.find((one) => one === query.value.get("_split")) ?? "test";

const imagesOf = (cohort: Cohort, split: SplitName): number =>
  cohort.classes.reduce((sum, one) => sum + (one.splits[split] ?? 0), 0);

function SplitChoice({ cohort }: { cohort: Cohort | undefined }) {
  return (
    <div class="field">
      <label class="label" for="split">
        Split
      </label>
      <select
        id="split"
        class="select"
        value={splitAsked()}
        onChange={(event) =>
          setParameters({ _split: event.currentTarget.value }, { replace: true })
        }
      >
        {SPLITS.map((one) => (
          <option key={one} value={one}>
            {one}
            {cohort && `, ${plural(imagesOf(cohort, one), "image")}`}
          </option>
        ))}
      </select>
    </div>
  );
}

/** What the file must hold, in the words of the chosen cohort. */
function Columns({ cohort }: { cohort: Cohort | undefined }) {
  const names = cohort?.classes.map((one) => `p_${one.name}`) ?? ["p_B", "p_K"];
  return (
    <p class="help" id="scores-help">
      CSV with a header and one row for each image of the split, or for each exam:{" "}
      <code class="mono">image_id</code> or <code class="mono">exam_id</code>, and the probability
      of each class, {cohort ? "here" : "such as"} <code class="mono">{names.join(", ")}</code>. The
      probabilities of a row sum to one.
    </p>
  );
}

function FileChoice({
  cohort,
  onChoose,
}: {
  cohort: Cohort | undefined;
  onChoose: (file: File | null) => void;
}) {
  return (
    <div class="field">
      <label class="label" for="scores">
        File of scores
      </label>
      <input
        id="scores"
        class="input"
        type="file"
        accept=".csv,text/csv"
        aria-describedby="scores-help"
        onClick={(event) => {
          // A file that was mended has the same name: without this it could not be chosen again.
          event.currentTarget.value = "";
          onChoose(null);
        }}
        onChange={(event) => onChoose(event.currentTarget.files?.[0] ?? null)}
      />
      <Columns cohort={cohort} />
    </div>
  );
}

/** The bytes as they are now; null where the file has changed since, which browsers refuse to read. */
const readNow = (file: File): Promise<ArrayBuffer | null> => file.arrayBuffer().catch(() => null);

function EvaluateForm({ cohorts }: { cohorts: readonly Cohort[] }) {
  const [file, setFile] = useState<File | null>(null);
  const [name, setName] = useState("");
  const [state, setState] = useState<"sending" | "changed" | Error | null>(null);
  const cohort = cohorts.find((one) => one.cohort_id === query.value.get("cohort"));
  const suggested = file?.name.replace(/\.csv$/i, "").slice(0, 200) ?? "";
  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!file || !cohort) return;
    setState("sending");
    const bytes = await readNow(file);
    if (!bytes) return setState("changed");
    try {
      const wanted = {
        cohortId: cohort.cohort_id,
        split: splitAsked(),
        name: name.trim() || suggested,
      };
      const job = await evaluateScores(bytes, wanted);
      putJob(job);
      navigate(`/jobs/${job.job_id}`);
    } catch (reason) {
      setState(reason instanceof Error ? reason : new Error(String(reason)));
    }
  };
  return (
    <form class="stack submit" onSubmit={send}>
      <div class="field">
        <CohortSelect cohorts={cohorts} />
        {cohorts.length === 0 && (
          <p class="help">
            There is no frozen cohort yet. <a href="/cohorts/new">Make one</a>
          </p>
        )}
      </div>
      <FileChoice
        cohort={cohort}
        onChoose={(chosen) => {
          setFile(chosen);
          setState(null);
        }}
      />
      <div class="settings">
        <SplitChoice cohort={cohort} />
        <div class="field">
          <label class="label" for="evaluation-name">
            Name
          </label>
          <input
            id="evaluation-name"
            class="input"
            value={name}
            placeholder={suggested}
            maxLength={200}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </div>
      </div>
      {state === "changed" && (
        <p class="note warning" role="alert">
          The file has changed since it was chosen. Choose it again, and the new one is sent.
        </p>
      )}
      {state instanceof Error && <ProblemNote error={state} />}
      <div class="row wrap">
        <button
          type="submit"
          class="button primary"
          disabled={!file || !cohort || state === "sending"}
        >
          {state === "sending" ? "Sending" : "Evaluate the scores"}
        </button>
      </div>
    </form>
  );
}

/** Scores of a model from elsewhere, for the same report as one that was trained here. */
export function ScoresEvaluate() {
  const cohorts = useResource("cohorts", listCohorts);
  useEffect(() => {
    document.title = "Evaluate scores · EMBED Lab";
  }, []);
  return (
    <div class="page">
      <div class="inner">
        <header class="page-head">
          <h1>Evaluate scores</h1>
          <a href="/jobs">All jobs</a>
          <p class="lead">
            Scores of a model that was not trained here, on a frozen cohort: a job gives them the
            same report, with intervals, subgroups and curves. Nothing is trained.
          </p>
        </header>
        {cohorts.error && <ProblemNote error={cohorts.error} retry={cohorts.reload} />}
        {!cohorts.data && cohorts.slow && <SkeletonLines lines={[100, 100]} />}
        {cohorts.data && <EvaluateForm cohorts={cohorts.data} />}
      </div>
    </div>
  );
}
