import type { Job, Metrics, PublishedFigure } from "../../api/types";
import { formatFigure, plural } from "../../lib/format";
import { figuresOf, testCount } from "../../lib/metrics";
import { countOf, UNITS } from "../../lib/predictions";
import { ConfusionMatrix } from "../../ui/charts/matrix";
import { RocChart } from "../../ui/charts/roc";
import { Whiskers } from "../../ui/charts/whiskers";
import { TableScroll } from "../../ui/scroll";
import { PublishedTable } from "./published";
import { Thresholds } from "./thresholds";

/** What was tested, counted; uploaded scores may be of images or of exams. */
function tested(n: number, { scores, source }: Job["spec"]): string {
  return scores ? plural(n, "score") : countOf(n, UNITS[source.kind]);
}

function Headline({ job, metrics }: { job: Job; metrics: Metrics }) {
  const auc = figuresOf(metrics.test).find((figure) => figure.name === "roc_auc");
  const n = testCount(metrics, "n");
  const patients = testCount(metrics, "patients");
  return (
    <div class="result-headline">
      {auc && (
        <p>
          <span class="figure">{formatFigure(auc.value)}</span>
          <span class="soft">
            {" "}
            ROC-AUC on the {job.spec.scores?.split ?? "test"} split
            {auc.low !== null &&
              ` (95 % interval ${formatFigure(auc.low)} to ${formatFigure(auc.high)})`}
          </span>
        </p>
      )}
      {n !== null && (
        <p class="faint">
          {tested(n, job.spec)}
          {patients !== null && ` of ${plural(patients, "patient")}`}; intervals by bootstrap over
          patients{job.combined?.kind === "folds" && ", in each draw the mean over folds"}.
        </p>
      )}
    </div>
  );
}

/** The report of a finished job, in place. */
export function Result({ job, published }: { job: Job; published: readonly PublishedFigure[] }) {
  const { metrics } = job;
  if (!metrics) return null;
  const figures = figuresOf(metrics.test);
  const auc = figures.find((figure) => figure.name === "roc_auc")?.value ?? null;
  const baseline = figuresOf(metrics.baseline);
  return (
    <section class="stack result" aria-label="Result">
      <Headline job={job} metrics={metrics} />
      {job.control && (
        <p class="note warning">
          This is a control ({job.control}), not a result: its figures should be near chance.
        </p>
      )}
      <div class="two">
        {metrics.roc && metrics.roc.length > 0 && <RocChart curves={metrics.roc} auc={auc} />}
        {metrics.confusion_matrix && (
          <ConfusionMatrix
            labels={metrics.confusion_matrix.labels}
            counts={metrics.confusion_matrix.counts}
          />
        )}
      </div>
      <TableScroll label="Figures of the test split">
        <Whiskers figures={figures} baseline={baseline} />
      </TableScroll>
      {baseline.length > 0 && (
        <p class="faint small">
          The baseline sees no lesion: a logistic regression on image size, grey mean and deviation,
          and header fields. What the network adds is the difference.
        </p>
      )}
      <Thresholds
        chosen={metrics.thresholds ?? []}
        positive={metrics.confusion_matrix?.labels[1]}
      />
      <PublishedTable figures={published} />
    </section>
  );
}
