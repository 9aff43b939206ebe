import type { AttritionStep, CohortClass } from "../../api/types";
import { formatCount } from "../../lib/format";
import { TableScroll } from "../../ui/scroll";

const SPLITS = [
  { key: "train", name: "Train" },
  { key: "validation", name: "Validation" },
  { key: "test", name: "Test" },
] as const;

/** Images by class and split, as a bar and as numbers. */
export function BalanceTable({ classes }: { classes: readonly CohortClass[] }) {
  const most = Math.max(1, ...classes.map((one) => one.images));
  return (
    <TableScroll label="Balance">
      <table class="table balance">
        <thead>
          <tr>
            <th scope="col">Class</th>
            <th scope="col" class="balance-bar-head">
              <span class="visually-hidden">Share of each split</span>
            </th>
            {SPLITS.map((split, index) => (
              <th key={split.key} scope="col" class="number">
                <span class={`split-dot split-${index + 1}`} /> {split.name}
              </th>
            ))}
            <th scope="col" class="number">
              Images
            </th>
            <th scope="col" class="number">
              Patients
            </th>
          </tr>
        </thead>
        <tbody>
          {classes.map((one) => (
            <tr key={one.name}>
              <td>
                <strong>{one.name}</strong>
              </td>
              <td class="balance-bar">
                <div style={{ "--width": `${(one.images / most) * 100}%` }}>
                  {SPLITS.map((split, index) => (
                    <span
                      key={split.key}
                      class={`split-${index + 1}`}
                      style={{ "--part": one.splits[split.key] ?? 0 }}
                      title={`${split.name}: ${formatCount(one.splits[split.key] ?? 0)}`}
                    />
                  ))}
                </div>
              </td>
              {SPLITS.map((split) => (
                <td key={split.key} class="number">
                  {formatCount(one.splits[split.key] ?? 0)}
                </td>
              ))}
              <td class="number">{formatCount(one.images)}</td>
              <td class="number">{formatCount(one.patients)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableScroll>
  );
}

/** The stream from what was to what is left; what was taken falls away at its side. */
function Flow({ from, to }: { from: number; to: number }) {
  const left = 50 - from / 2;
  const right = 50 + from / 2;
  return (
    <svg class="flow" viewBox="0 0 100 20" preserveAspectRatio="none" aria-hidden="true">
      <path class="flow-lost" d={`M${left} 0H${right}V20H${left}Z`} />
      <path
        class="flow-kept"
        d={`M${left} 0H${right}C${right} 10 ${50 + to / 2} 10 ${50 + to / 2} 20H${50 - to / 2}C${50 - to / 2} 10 ${left} 10 ${left} 0Z`}
      />
    </svg>
  );
}

/** From all images down: what each step left, and what it took. */
export function Attrition({ steps }: { steps: readonly AttritionStep[] }) {
  const first = Math.max(1, steps[0]?.images ?? 1);
  return (
    <ol class="attrition">
      {steps.map((step, index) => {
        const before = steps[index - 1];
        const lost = before ? before.images - step.images : 0;
        return (
          <li key={step.step}>
            <span class="attrition-name">{step.step}</span>
            <span class="attrition-lost">{lost > 0 ? `\u2212${formatCount(lost)}` : ""}</span>
            <strong class="number">{formatCount(step.images)}</strong>
            <Flow from={((before ?? step).images / first) * 100} to={(step.images / first) * 100} />
            <span class="faint attrition-grain">
              {formatCount(step.exams)} exams, {formatCount(step.patients)} patients
            </span>
          </li>
        );
      })}
    </ol>
  );
}

export function Warnings({ warnings }: { warnings: readonly string[] }) {
  if (warnings.length === 0) return null;
  return (
    <ul class="note warning" aria-label="Warnings">
      {warnings.map((warning) => (
        <li key={warning}>{warning}</li>
      ))}
    </ul>
  );
}
