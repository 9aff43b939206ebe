import { retrieveReport } from "../../api/trainer";
import type { Evaluation, Interval, Job, Subgroups } from "../../api/types";
import { formatCount } from "../../lib/format";
import { within } from "../../lib/metrics";
import { LineChart } from "../../ui/charts/line";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";
import { TableScroll } from "../../ui/scroll";

const DOMAIN: readonly [number, number] = [0, 1];

function Whisker({ found }: { found: Interval }) {
  if (found.value === null) return null;
  const style = {
    "--low": `${(found.low ?? found.value) * 100}%`,
    "--high": `${(found.high ?? found.value) * 100}%`,
    "--at": `${found.value * 100}%`,
  };
  return <div class="whisker" style={style} />;
}

/** Each group's ROC-AUC with its interval; those of few patients are faint, not hidden. */
function Forest({ subgroups }: { subgroups: readonly Subgroups[] }) {
  return (
    <TableScroll label="ROC-AUC by subgroup">
      <table class="table whiskers">
        <thead>
          <tr>
            <th scope="col">Subgroup</th>
            <th scope="col" class="number">
              Patients
            </th>
            <th scope="col" class="number">
              ROC-AUC, 95 %
            </th>
            <th scope="col" class="number">
              Less all others
            </th>
            <th scope="col" class="whisker-cell">
              <span class="whisker-ends">
                <span>0</span>
                <span>1</span>
              </span>
            </th>
          </tr>
        </thead>
        {subgroups.map((subgroup) => (
          <tbody key={subgroup.variable}>
            <tr>
              <th scope="rowgroup" colSpan={5}>
                {subgroup.label}
              </th>
            </tr>
            {subgroup.groups.map((group) => (
              <tr key={group.value} class={group.small ? "faint" : ""}>
                <td>{group.value}</td>
                <td class="number">{formatCount(group.patients)}</td>
                <td class="number">{within(group.roc_auc)}</td>
                <td class="number">{within(group.gap.roc_auc)}</td>
                <td class="whisker-cell">
                  <Whisker found={group.roc_auc} />
                </td>
              </tr>
            ))}
          </tbody>
        ))}
      </table>
      <p class="faint small">Groups of fewer than 50 patients are faint: too few to rely on.</p>
    </TableScroll>
  );
}

function Levels({ levels }: { levels: Evaluation["levels"] }) {
  return (
    <table class="table">
      <thead>
        <tr>
          <th scope="col">Level</th>
          <th scope="col" class="number">
            Units
          </th>
          <th scope="col" class="number">
            ROC-AUC, 95 %
          </th>
          <th scope="col" class="number">
            Balanced accuracy, 95 %
          </th>
        </tr>
      </thead>
      <tbody>
        {levels.map(({ level, rule, test }) => (
          <tr key={`${level} ${rule}`}>
            <td>
              {level}, {rule} of its images
            </td>
            <td class="number">{formatCount(test.n)}</td>
            <td class="number">{within(test.roc_auc)}</td>
            <td class="number">{within(test.balanced_accuracy)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** What the report tells beyond the figures by image: levels, calibration, subgroups, reasons. */
export function EvaluationParts({ job }: { job: Job }) {
  const found = useResource(job.state === "succeeded" ? `report ${job.job_id}` : null, (aborted) =>
    retrieveReport(job.job_id, aborted),
  );
  if (found.error) return <ProblemNote error={found.error} retry={found.reload} />;
  const { evaluation, explanations } = found.data ?? {};
  if (!evaluation) return null;
  const { calibration, levels, subgroups } = evaluation;
  return (
    <section class="stack" aria-label="Evaluation">
      {levels.length > 0 ? (
        <TableScroll label="Levels">
          <Levels levels={levels} />
        </TableScroll>
      ) : (
        <p class="faint">By breast and exam: {evaluation.levels_refused}</p>
      )}
      <LineChart
        title="Calibration"
        xName="predicted probability"
        x={calibration.predicted}
        xDomain={DOMAIN}
        domain={DOMAIN}
        series={[
          { name: "observed share", colour: 1, values: calibration.observed },
          { name: "perfect", colour: 3, values: calibration.predicted },
        ]}
      />
      {subgroups.length > 0 && <Forest subgroups={subgroups} />}
      {explanations && !explanations.refused && (
        <p>
          <a
            href={`/api/v1/jobs/${job.job_id}/report#explanations`}
            target="_blank"
            rel="noreferrer"
          >
            What it went by: {explanations.gallery.length} test images with heat maps
          </a>
        </p>
      )}
    </section>
  );
}
