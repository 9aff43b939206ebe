import { useEffect, useState } from "preact/hooks";
import { feed, isActive, jobs, loadJob, putJob } from "../../api/live";
import { person } from "../../api/session";
import { cancelJob, listExperiments, retryJob } from "../../api/trainer";
import type { Job } from "../../api/types";
import { isInflated, protocolWords } from "../../lib/comparing";
import { capitalise, formatBytes, formatDuration, formatWhen } from "../../lib/format";
import { isPrincipal, settingLabel, valueText } from "../../lib/schema";
import { LineChart } from "../../ui/charts/line";
import { Copyable } from "../../ui/copy";
import { ownerName } from "../../ui/owner";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";
import { SkeletonLines } from "../../ui/skeleton";
import { Artifacts } from "./artifacts";
import { ChildJobs, PartOf } from "./children";
import { EvaluationParts } from "./evaluation";
import { Log } from "./log";
import { Result } from "./result";
import { elapsed, expectedWords, Marks, progressWords, StateDot, secondsLeft } from "./state";
import { Misclassified } from "./wrong";
import "./jobs.css";

/** A clock for elapsed times, only while the job runs. */
function useNow(running: boolean): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [running]);
  return now;
}

function Actions({ job }: { job: Job }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const who = person.value;
  const owned =
    typeof job.owner === "string" ||
    job.owner.person_id === who?.person_id ||
    who?.role === "admin";
  if (!owned) return null;
  const act = async (what: (id: string) => Promise<Job>): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      putJob(await what(job.job_id));
    } catch (reason) {
      setError(reason instanceof Error ? reason : new Error(String(reason)));
    }
    setBusy(false);
  };
  return (
    <>
      {isActive(job) && (
        <button
          type="button"
          class="button danger"
          disabled={busy || job.cancel_requested}
          onClick={() => void act(cancelJob)}
        >
          {job.cancel_requested ? "Stopping" : "Cancel"}
        </button>
      )}
      {(job.state === "failed" || job.state === "cancelled") && (
        <button type="button" class="button" disabled={busy} onClick={() => void act(retryJob)}>
          Retry
        </button>
      )}
      {error && <ProblemNote error={error} />}
    </>
  );
}

function Progress({ job }: { job: Job }) {
  const now = useNow(job.state === "running");
  const left = secondsLeft(job);
  const fraction = job.progress?.fraction ?? 0;
  return (
    <section class="progress" aria-label="Progress">
      <div
        class="progress-bar"
        role="progressbar"
        aria-label="Progress of the job"
        aria-valuenow={Math.round(fraction * 100)}
        aria-valuemin={0}
        aria-valuemax={100}
        style={{ "--done": `${fraction * 100}%` }}
      />
      <p class="soft">
        {progressWords(job)}
        {job.started_at && ` · ${elapsed(job, now)}`}
        {expectedWords(job) && ` · ${expectedWords(job)}`}
        {job.waiting && ` · waits: ${job.waiting}`}
        {left !== null &&
          !expectedWords(job) &&
          ` · about ${formatDuration(left)} of training left`}
        {job.state === "queued" &&
          job.estimate?.minutes != null &&
          ` · expected to take ${formatDuration(job.estimate.minutes * 60)}`}
        {feed.value === "polling" && " · the live stream is down, asking every few seconds"}
      </p>
    </section>
  );
}

function Curves({ job }: { job: Job }) {
  if (job.epochs.length === 0) return null;
  const x = job.epochs.map((epoch) => epoch.epoch);
  const xMax = job.progress?.epochs ?? undefined;
  const tested = job.metrics?.epoch;
  const mark = tested ? { at: tested, name: `epoch ${tested} was tested` } : undefined;
  // The published protocol has no validation: the test split chooses the epoch.
  const watched = isInflated(job) ? "test" : "validation";
  return (
    <div class="two curves">
      <LineChart
        title="Loss"
        xName="epoch"
        x={x}
        xMax={xMax}
        mark={mark}
        series={[
          { name: "train", colour: 1, values: job.epochs.map((epoch) => epoch.train_loss) },
          {
            name: watched,
            colour: 2,
            values: job.epochs.map((epoch) => epoch.validation_loss),
          },
        ]}
      />
      <LineChart
        title={capitalise(watched)}
        xName="epoch"
        x={x}
        xMax={xMax}
        mark={mark}
        domain={[0, 1]}
        series={[
          {
            name: "ROC-AUC",
            colour: 1,
            values: job.epochs.map((epoch) => epoch.validation_roc_auc),
          },
          {
            name: "accuracy",
            colour: 3,
            values: job.epochs.map((epoch) => epoch.validation_accuracy),
          },
        ]}
      />
    </div>
  );
}

function SettingList({ settings }: { settings: readonly (readonly [string, unknown])[] }) {
  return (
    <dl class="facts">
      {settings.map(([name, value]) => [
        <dt key={`${name}-t`}>{settingLabel(name)}</dt>,
        <dd key={name}>{valueText(value)}</dd>,
      ])}
    </dl>
  );
}

function Spec({ job }: { job: Job }) {
  const settings = Object.entries(job.spec?.settings ?? {}).filter(([, value]) => value !== null);
  const others = settings.filter(([name]) => !isPrincipal(name));
  return (
    <section class="stack">
      <h2>Settings</h2>
      <SettingList settings={settings.filter(([name]) => isPrincipal(name))} />
      {others.length > 0 && (
        <details class="fold">
          <summary>{others.length} more</summary>
          <SettingList settings={others} />
        </details>
      )}
    </section>
  );
}

function Origin({ job }: { job: Job }) {
  return (
    <section class="stack">
      <h2>Where it comes from</h2>
      <dl class="facts">
        <dt>Experiment</dt>
        <dd>{job.experiment}</dd>
        {job.parent_id && (
          <>
            <dt>Part of</dt>
            <dd>
              <PartOf parentId={job.parent_id} />
            </dd>
          </>
        )}
        {job.cohort_id && (
          <>
            <dt>Cohort</dt>
            <dd>
              <a href={`/cohorts/${job.cohort_id}`}>{job.cohort_id}</a>
            </dd>
          </>
        )}
        {job.spec?.protocol && (
          <>
            <dt>Split</dt>
            <dd>{protocolWords(job)}</dd>
          </>
        )}
        <dt>Submitted</dt>
        <dd title={job.created_at}>
          {formatWhen(job.created_at)} by {ownerName(job.owner)}
        </dd>
        {job.worker && (
          <>
            <dt>Worker</dt>
            <dd>{job.worker}</dd>
          </>
        )}
        {(job.attempts ?? 0) > 1 && (
          <>
            <dt>Attempts</dt>
            <dd>{job.attempts}</dd>
          </>
        )}
        {job.estimate?.bytes != null && (
          <>
            <dt>To fetch</dt>
            <dd>{formatBytes(job.estimate.bytes)}</dd>
          </>
        )}
        <dt>Job</dt>
        <dd>
          <Copyable text={job.job_id} label="job id" />
        </dd>
      </dl>
    </section>
  );
}

export function JobDetail({ id }: { id: string }) {
  const loaded = useResource(`job ${id}`, (aborted) => loadJob(id, aborted));
  const experiments = useResource(
    "experiments",
    async (aborted) => (await listExperiments(aborted)).items,
  );
  const job = jobs.value.get(id) ?? loaded.data;
  useEffect(() => {
    document.title = `${job?.name ?? "Job"} · EMBED Lab`;
  }, [job?.name]);
  if (!job && loaded.error) {
    return (
      <div class="empty">
        <ProblemNote error={loaded.error} retry={loaded.reload}>
          <a class="button" href="/jobs">
            All jobs
          </a>
        </ProblemNote>
      </div>
    );
  }
  const published = experiments.data?.find((one) => one.name === job?.experiment)?.published ?? [];
  return (
    <div class="page">
      <div class="inner">
        {!job && loaded.slow && <SkeletonLines lines={[40, 100, 80]} />}
        {job && (
          <>
            <header class="page-head">
              <h1>{job.name || job.experiment}</h1>
              <StateDot state={job.state} />
              <Marks job={job} />
              {job.finished_at && <span class="faint">after {elapsed(job, 0)}</span>}
              <span class="grow" />
              {job.state === "succeeded" && (
                <a
                  class="button"
                  href={`/api/v1/jobs/${job.job_id}/report`}
                  target="_blank"
                  rel="noreferrer"
                >
                  Full report
                </a>
              )}
              <Actions job={job} />
            </header>
            {isActive(job) && <Progress job={job} />}
            {job.reason && (
              <p class={`note ${job.state === "failed" ? "error" : "warning"}`} role="status">
                {job.reason}
              </p>
            )}
            {job.warnings && job.warnings.length > 0 && (
              <ul class="note warning" aria-label="Warnings">
                {job.warnings.map((warning) => (
                  <li key={warning}>{warning}</li>
                ))}
              </ul>
            )}
            <Result job={job} published={published} />
            <ChildJobs job={job} />
            <EvaluationParts job={job} />
            {/* Sweeps and folds leave no predictions of their own; their children do. */}
            {(!job.children || job.combined?.kind === "ensemble") && <Misclassified job={job} />}
            <Curves job={job} />
            <Log job={job} />
            <div class="two">
              <Origin job={job} />
              <Spec job={job} />
            </div>
            <Artifacts job={job} />
          </>
        )}
      </div>
    </div>
  );
}
