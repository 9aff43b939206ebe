import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { feed, jobList, jobsError, jobsLoaded, refresh } from "../../api/live";
import { mayTrain, person } from "../../api/session";
import type { Job, JobState } from "../../api/types";
import { formatFigure, formatWhen } from "../../lib/format";
import { figuresOf } from "../../lib/metrics";
import { query, setParameters, withQuery } from "../../lib/url";
import { Sparkline } from "../../ui/charts/line";
import { Icon } from "../../ui/icon";
import { ownerName } from "../../ui/owner";
import { ProblemNote } from "../../ui/problem";
import { TableScroll } from "../../ui/scroll";
import { elapsed, expectedWords, Marks, progressWords, StateDot } from "./state";
import "./jobs.css";

const STATES: readonly JobState[] = ["running", "queued", "succeeded", "failed", "cancelled"];

/** Jobs ticked for comparing. */
const picked = signal<ReadonlySet<string>>(new Set());

function pick(ids: readonly string[], on: boolean): void {
  const next = new Set(picked.value);
  for (const id of ids) {
    if (on) next.add(id);
    else next.delete(id);
  }
  picked.value = next;
}

function testAuc(job: Job): string {
  return formatFigure(figuresOf(job.metrics?.test).find((one) => one.name === "roc_auc")?.value);
}

function Row({ job }: { job: Job }) {
  const fraction = job.progress?.fraction ?? 0;
  return (
    <tr>
      <td>
        <label class="row pick">
          <input
            type="checkbox"
            aria-label={`Compare ${job.name || job.experiment}`}
            checked={picked.value.has(job.job_id)}
            onChange={() => pick([job.job_id], !picked.value.has(job.job_id))}
          />
          <StateDot state={job.state} word={false} />
        </label>
      </td>
      <td>
        <a href={`/jobs/${job.job_id}`}>{job.name || job.experiment}</a>
        <Marks job={job} />
      </td>
      <td class="soft">{job.experiment}</td>
      <td class="job-progress">
        {job.state === "running" || job.state === "queued" ? (
          <>
            <span class="job-bar" style={{ "--done": `${fraction * 100}%` }} />
            <span class="faint">
              {[progressWords(job), expectedWords(job)].filter(Boolean).join(", ")}
            </span>
          </>
        ) : (
          <span class="soft">{job.state}</span>
        )}
      </td>
      <td>
        <Sparkline
          values={job.epochs.map((epoch) => epoch.validation_roc_auc)}
          label="Validation ROC-AUC by epoch"
        />
      </td>
      <td class="number">{testAuc(job)}</td>
      <td class="number soft">{elapsed(job, Date.now())}</td>
      <td class="soft">{ownerName(job.owner)}</td>
      <td class="soft" title={job.created_at}>
        {formatWhen(job.created_at)}
      </td>
    </tr>
  );
}

function Filters({ jobs }: { jobs: readonly Job[] }) {
  const state = query.value.get("state");
  const mine = query.value.get("owner") === "me";
  return (
    <div class="row wrap" role="toolbar" aria-label="Which jobs">
      {STATES.map((one) => (
        <button
          key={one}
          type="button"
          class="button"
          aria-pressed={state === one}
          onClick={() => setParameters({ state: state === one ? null : one })}
        >
          <StateDot state={one} /> {jobs.filter((job) => job.state === one).length}
        </button>
      ))}
      <label class="check">
        <input
          type="checkbox"
          checked={mine}
          onChange={() => setParameters({ owner: mine ? null : "me" })}
        />{" "}
        only mine
      </label>
    </div>
  );
}

export function JobList() {
  useEffect(() => {
    document.title = "Jobs · EMBED Lab";
  }, []);
  const all = jobList.value;
  const state = query.value.get("state");
  const mine = query.value.get("owner") === "me";
  const me = person.value?.person_id;
  const shown = all.filter(
    (job) =>
      (!state || job.state === state) &&
      (!mine || (typeof job.owner === "object" && job.owner.person_id === me)),
  );
  return (
    <div class="page">
      <div class="inner">
        <header class="page-head">
          <h1>Jobs</h1>
          {feed.value === "live" && <span class="badge">live</span>}
          {feed.value === "polling" && <span class="badge warn">reconnecting</span>}
          <span class="grow" />
          {picked.value.size > 1 && (
            <a
              class="button"
              href={withQuery(
                "/jobs/compare",
                [...picked.value].map((id): [string, string] => ["job", id]),
              )}
            >
              Compare {picked.value.size}
            </a>
          )}
          {mayTrain() && (
            <>
              <a class="button" href="/jobs/evaluate">
                Evaluate scores
              </a>
              <a class="button primary" href="/jobs/new">
                <Icon name="plus" size={14} /> New job
              </a>
            </>
          )}
        </header>
        {jobsError.value && all.length === 0 && (
          <ProblemNote error={jobsError.value} retry={() => void refresh()} />
        )}
        {jobsLoaded.value && all.length === 0 && !jobsError.value && (
          <div class="empty">
            <h2>No job yet</h2>
            <p>
              A job trains an experiment's model on a frozen cohort and reports with intervals,
              curves and its split.
            </p>
            <a class="button" href="/jobs/new">
              See the experiments
            </a>
          </div>
        )}
        {all.length > 0 && (
          <>
            <Filters jobs={all} />
            <TableScroll panel label="Jobs">
              <table class="table rows jobs">
                <thead>
                  <tr>
                    <th scope="col">
                      <input
                        type="checkbox"
                        aria-label="Compare all of these"
                        checked={
                          shown.length > 0 && shown.every((job) => picked.value.has(job.job_id))
                        }
                        onChange={(event) =>
                          pick(
                            shown.map((job) => job.job_id),
                            event.currentTarget.checked,
                          )
                        }
                      />
                      <span class="visually-hidden">State</span>
                    </th>
                    <th scope="col">Name</th>
                    <th scope="col">Experiment</th>
                    <th scope="col">Progress</th>
                    <th scope="col">Validation AUC</th>
                    <th scope="col" class="number">
                      Test AUC
                    </th>
                    <th scope="col" class="number">
                      Time
                    </th>
                    <th scope="col">Owner</th>
                    <th scope="col">Submitted</th>
                  </tr>
                </thead>
                <tbody>
                  {shown.map((job) => (
                    <Row key={job.job_id} job={job} />
                  ))}
                </tbody>
              </table>
            </TableScroll>
            {shown.length === 0 && <p class="soft">No job fits these filters.</p>}
          </>
        )}
      </div>
    </div>
  );
}
