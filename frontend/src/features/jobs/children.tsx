import { jobList } from "../../api/live";
import { listChildren, retrieveJob } from "../../api/trainer";
import type { Job, JobState } from "../../api/types";
import { formatFigure, plural } from "../../lib/format";
import { figuresOf } from "../../lib/metrics";
import { settingLabel, valueText } from "../../lib/schema";
import { withQuery } from "../../lib/url";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";
import { TableScroll } from "../../ui/scroll";
import { FoldBalance } from "./folds";
import { progressWords, StateDot } from "./state";

interface Row {
  readonly id: string;
  readonly name: string;
  readonly state: JobState;
  readonly words: string;
  readonly differs: Readonly<Record<string, unknown>>;
  readonly loss: number | null;
  readonly auc: number | null;
}

const leastLoss = (job: Job): number | null => {
  const losses = job.epochs.flatMap((epoch) => epoch.validation_loss ?? []);
  return losses.length ? Math.min(...losses) : null;
};

function rowOf(job: Job): Row {
  const auc = figuresOf(job.metrics?.test).find((one) => one.name === "roc_auc")?.value;
  const { job_id: id, name, state } = job;
  const words = job.reason ?? progressWords(job);
  return { id, name, state, words, differs: {}, loss: leastLoss(job), auc: auc ?? null };
}

/** Children as they are while they run; what the parent made of them once it has. */
function rowsOf(parent: Job, children: readonly Job[]): Row[] {
  if (!parent.combined) return children.map(rowOf);
  return parent.combined.members.map((one) => ({
    id: one.job_id,
    name: one.name,
    state: one.state,
    words: one.reason ?? "",
    differs: one.differs,
    loss: one.validation_loss,
    auc: one.metrics.roc_auc ?? null,
  }));
}

/** `learning rate 0.001`: settings by their own name, without the folder they lie in. */
function differsWords(differs: Readonly<Record<string, unknown>>): string {
  return Object.entries(differs)
    .map(([name, value]) => {
      const own = settingLabel(name.split(".").at(-1) ?? name).toLowerCase();
      return `${own} ${typeof value === "object" ? JSON.stringify(value) : valueText(value)}`;
    })
    .join(", ");
}

const RULE = {
  sweep: "Chosen is the one with the least loss on validation; the test split had no say.",
  folds: "The result above is the mean over the folds.",
  ensemble: "The result above is of the mean of their class probabilities.",
} as const;

function Table({ rows, chosen }: { rows: readonly Row[]; chosen: string | null }) {
  const told = rows.some((row) => Object.keys(row.differs).length > 0);
  return (
    <table class="table rows children">
      <thead>
        <tr>
          <th scope="col">Job</th>
          {told && <th scope="col">Differs in</th>}
          <th scope="col">State</th>
          <th scope="col" class="number">
            Validation loss
          </th>
          <th scope="col" class="number">
            Test AUC
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.id} {...(row.id === chosen ? { class: "chosen" } : {})}>
            <td>
              <a href={`/jobs/${row.id}`}>{row.name}</a>
              {row.id === chosen && <span class="badge">chosen</span>}
            </td>
            {told && <td>{differsWords(row.differs)}</td>}
            <td>
              <StateDot state={row.state} /> <span class="faint">{row.words}</span>
            </td>
            <td class="number">{formatFigure(row.loss)}</td>
            <td class="number">{formatFigure(row.auc)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The jobs that this one is made of, and what came of them. */
export function ChildJobs({ job }: { job: Job }) {
  const total = job.children?.total;
  const listed = useResource(
    total ? `children ${job.job_id} ${job.children?.ended}` : null,
    async (aborted) => (await listChildren(job.job_id, aborted)).items,
  );
  if (!total && !job.combined) return null;
  // The stream knows more lately than the list did.
  const live = new Map(jobList.value.map((one) => [one.job_id, one]));
  const children = (listed.data ?? []).map((one) => live.get(one.job_id) ?? one).reverse();
  const rows = rowsOf(job, children);
  const ids = rows.map((row): [string, string] => ["job", row.id]);
  const { ended = 0, succeeded = 0 } = job.children ?? {};
  return (
    <section class="stack" aria-label="Made of">
      <h2>
        Made of {plural(total ?? rows.length, "job")}{" "}
        {total !== undefined && (
          <span class="faint">
            {ended} ended, {succeeded} succeeded
          </span>
        )}
      </h2>
      {listed.error && <ProblemNote error={listed.error} retry={listed.reload} />}
      {rows.length > 0 && (
        <TableScroll label="Jobs that it is made of">
          <Table rows={rows} chosen={job.combined?.chosen ?? null} />
        </TableScroll>
      )}
      <FoldBalance children={children} />
      <div class="row wrap">
        {rows.length > 1 && (
          <a class="button" href={withQuery("/jobs/compare", ids)}>
            Compare them
          </a>
        )}
        {job.combined && <p class="faint">{RULE[job.combined.kind]}</p>}
      </div>
    </section>
  );
}

/** The job that this one is a part of, by its name once that is known. */
export function PartOf({ parentId }: { parentId: string }) {
  const parent = useResource(`job ${parentId}`, (aborted) => retrieveJob(parentId, aborted));
  return <a href={`/jobs/${parentId}`}>{parent.data?.name ?? parentId}</a>;
}
