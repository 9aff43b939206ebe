import { useEffect, useMemo, useState } from "preact/hooks";
import { jobs as known, loadJob } from "../../api/live";
import { compareJobs } from "../../api/trainer";
import type { Job } from "../../api/types";
import {
  curvePoints,
  inflationOf,
  isInflated,
  MEASURES,
  type Measured,
  specDifferences,
} from "../../lib/comparing";
import { formatFigure } from "../../lib/format";
import { type Figure, figureLabel, figuresOf } from "../../lib/metrics";
import { settingLabel } from "../../lib/schema";
import { query, setParameters } from "../../lib/url";
import { Overlay } from "../../ui/charts/overlay";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";
import { TableScroll } from "../../ui/scroll";
import { SkeletonLines } from "../../ui/skeleton";
import { Marks, StateDot } from "./state";
import "./jobs.css";

const TABLED = ["roc_auc", "accuracy", "balanced_accuracy", "pr_auc"];

function Cell({ figure }: { figure: Figure | undefined }) {
  if (!figure) return <td class="number faint">–</td>;
  const low = figure.low ?? figure.value;
  const high = figure.high ?? figure.value;
  const style = {
    "--low": `${low * 100}%`,
    "--high": `${high * 100}%`,
    "--at": `${figure.value * 100}%`,
  };
  return (
    <td class="compare-figure">
      <strong>{formatFigure(figure.value)}</strong>{" "}
      {figure.low !== null && (
        <span class="faint">
          {formatFigure(low)} to {formatFigure(high)}
        </span>
      )}
      <div class="whisker" style={style} />
    </td>
  );
}

const chance = (p: number): string => (p < 0.001 ? "p < 0.001" : `p = ${formatFigure(p)}`);

/** How many jobs are tested against each other at once. */
const TESTED = 20;

/** Whether the others differ from the first by more than chance, on the same test images. */
function Tests({ jobs }: { jobs: readonly Job[] }) {
  const ids = jobs.map((job) => job.job_id);
  const tested = ids.length > 1 && ids.length <= TESTED;
  const found = useResource(tested ? `compare ${ids.join()}` : null, (aborted) =>
    compareJobs(ids, aborted),
  );
  if (ids.length > TESTED) {
    return (
      <p class="soft">
        Whether jobs differ by more than chance is tested for up to {TESTED} of them; here are{" "}
        {ids.length}.
      </p>
    );
  }
  if (found.error) return <ProblemNote error={found.error} retry={found.reload} />;
  if (!found.data) return null;
  const named = (id: string): string => {
    const job = jobs.find((one) => one.job_id === id);
    return job ? nameOf(job) : id;
  };
  const { tests, refused, warnings } = found.data;
  return (
    <>
      {warnings.length > 0 && (
        <ul class="note warning" aria-label="Warnings">
          {warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
      <ul class="soft" aria-label="Tests against the first job">
        {tests.map((test) => (
          <li key={test.b}>
            <strong>{named(test.b)}</strong> less {named(test.a)}: ROC-AUC{" "}
            {formatFigure(test.roc_auc.value)} ({formatFigure(test.roc_auc.low)} to{" "}
            {formatFigure(test.roc_auc.high)}), {chance(test.bootstrap_p)} by bootstrap over
            patients
            {test.delong_p != null && `, ${chance(test.delong_p)} by DeLong`}
          </li>
        ))}
        {refused.map((one) => (
          <li key={one.b} class="faint">
            {named(one.b)} is not tested against {named(one.a)}: {one.reason}
          </li>
        ))}
      </ul>
    </>
  );
}

/** A job split by image watched its test split: its "validation" is that. */
const curveName = (job: Job, measure: Measured): string =>
  isInflated(job) && measure !== "train_loss" ? `${nameOf(job)} (on its test split)` : nameOf(job);

const signed = (value: number | undefined): string =>
  value === undefined ? "–" : `${value < 0 ? "\u2212" : "+"}${formatFigure(Math.abs(value))}`;

/** What a split by image adds to the figures, beside the job that is split by patient. */
function Inflated({ jobs }: { jobs: readonly Job[] }) {
  const found = inflationOf(jobs);
  if (!found) return null;
  return (
    <section class="stack" aria-label="Inflation">
      <h2>Inflation by the split</h2>
      <p class="soft">
        Figures of jobs split by image, less those of <strong>{nameOf(found.reference)}</strong>,
        which is split by patient. Where nothing else differs, this is what the split adds. Their
        test images differ, so nothing is tested; their curves are of the test split, which chose
        the epoch.
      </p>
      <TableScroll label="Inflation by the split">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Job</th>
              {TABLED.map((name) => (
                <th key={name} scope="col" class="number">
                  {figureLabel(name)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {found.rows.map(({ job, above }) => (
              <tr key={job.job_id}>
                <th scope="row">{nameOf(job)}</th>
                {TABLED.map((name) => (
                  <td key={name} class="number">
                    {signed(above.get(name))}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </TableScroll>
    </section>
  );
}

const DOMAIN: readonly [number, number] = [0, 1];
const nameOf = (job: Job): string => job.name || job.experiment;

/** Overlaid curves, figures with their intervals, and only those settings that differ. */
export function JobCompare() {
  const wanted = query.value.getAll("job");
  const measure: Measured =
    MEASURES.find((one) => one.key === query.value.get("_measure"))?.key ?? "validation_roc_auc";
  const [lit, setLit] = useState<string | null>(null);
  const missing = wanted.filter((id) => !known.value.get(id)?.spec);
  const loaded = useResource(missing.length ? `jobs ${missing.join()}` : null, (aborted) =>
    Promise.all(missing.map((id) => loadJob(id, aborted))),
  );
  useEffect(() => {
    document.title = "Compare jobs · EMBED Lab";
  }, []);
  const jobs = wanted.flatMap((id) => known.value.get(id) ?? []);
  const curves = useMemo(
    () =>
      jobs.map((job) => ({
        id: job.job_id,
        name: curveName(job, measure),
        points: curvePoints(job, measure),
      })),
    [known.value, wanted.join(), measure],
  );
  const figures = jobs.map((job) => figuresOf(job.metrics?.test));
  const differences = specDifferences(jobs);
  const chosen = MEASURES.find((one) => one.key === measure) ?? MEASURES[0];
  return (
    <div class="page">
      <div class="inner wide-page">
        <header class="page-head">
          <h1>Compare jobs</h1>
          <a href="/jobs">All jobs</a>
          <span class="grow" />
          <select
            class="select measure-choice"
            aria-label="Curve"
            value={measure}
            onChange={(event) =>
              setParameters({ _measure: event.currentTarget.value }, { replace: true })
            }
          >
            {MEASURES.map((one) => (
              <option key={one.key} value={one.key}>
                {one.name}
              </option>
            ))}
          </select>
        </header>
        {wanted.length < 2 && (
          <p class="soft">Tick two or more jobs in the list of jobs to compare them.</p>
        )}
        {loaded.error && <ProblemNote error={loaded.error} retry={loaded.reload} />}
        {jobs.length === 0 && loaded.slow && <SkeletonLines lines={[100, 100, 60]} />}
        {jobs.length > 0 && (
          <>
            <Overlay
              title={chosen.name}
              xName="epoch"
              curves={curves}
              {...(chosen.bounded ? { domain: DOMAIN } : {})}
              lit={lit}
              onLight={setLit}
            />
            <TableScroll label="Figures of the test split">
              <table class="table rows compare">
                <thead>
                  <tr>
                    <th scope="col">Job</th>
                    <th scope="col">State</th>
                    {TABLED.map((name) => (
                      <th key={name} scope="col">
                        {figureLabel(name)}
                      </th>
                    ))}
                    {differences.map((row) => (
                      <th key={row.name} scope="col">
                        {settingLabel(row.name)}
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {jobs.map((job, index) => (
                    <tr
                      key={job.job_id}
                      class={lit === job.job_id ? "lit" : ""}
                      onPointerEnter={() => setLit(job.job_id)}
                      onPointerLeave={() => setLit(null)}
                    >
                      <td>
                        <a
                          href={`/jobs/${job.job_id}`}
                          onFocus={() => setLit(job.job_id)}
                          onBlur={() => setLit(null)}
                        >
                          {nameOf(job)}
                        </a>
                        <Marks job={job} />
                      </td>
                      <td>
                        <StateDot state={job.state} />
                      </td>
                      {TABLED.map((name) => (
                        <Cell
                          key={name}
                          figure={figures[index]?.find((one) => one.name === name)}
                        />
                      ))}
                      {differences.map((row) => (
                        <td key={row.name} class="mono">
                          {row.values[index]}
                        </td>
                      ))}
                    </tr>
                  ))}
                </tbody>
              </table>
            </TableScroll>
            <Tests jobs={jobs} />
            <Inflated jobs={jobs} />
            {differences.length === 0 && <p class="soft">Their settings are the same.</p>}
            <p class="faint small">
              Intervals are 95 %, by bootstrap over patients; of folds, each draw takes the mean
              over them. Overlapping intervals do not show that two jobs are alike; jobs on
              different test splits cannot be compared by figure.
            </p>
          </>
        )}
      </div>
    </div>
  );
}
