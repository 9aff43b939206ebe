import type { RocCurve } from "../../api/types";
import { formatFigure } from "../../lib/format";
import { linePath } from "../../lib/scale";
import "./charts.css";

const SIZE = 300;
const PAD = { left: 50, right: 10, top: 10, bottom: 34 };
const px = (x: number): number => PAD.left + x * (SIZE - PAD.left - PAD.right);
const py = (y: number): number => SIZE - PAD.bottom - y * (SIZE - PAD.top - PAD.bottom);
const TICKS = [0, 0.25, 0.5, 0.75, 1];

interface Props {
  readonly curves: readonly RocCurve[];
  readonly auc: number | null;
}

/** True against false positives over all thresholds; the diagonal is chance. */
export function RocChart({ curves, auc }: Props) {
  return (
    <figure class="chart roc-chart">
      <figcaption>
        <h3>ROC curve</h3>
        <ul class="legend">
          {curves.map((curve, index) => (
            <li key={curve.name}>
              <span class={`swatch series-${(index % 6) + 1}`} />
              {curves.length > 1 ? curve.name : `area ${formatFigure(auc)}`}
            </li>
          ))}
        </ul>
      </figcaption>
      <svg
        viewBox={`0 0 ${SIZE} ${SIZE}`}
        role="img"
        aria-label={`ROC curve, area ${formatFigure(auc)}`}
      >
        {TICKS.map((tick) => (
          <g key={tick}>
            <line class="grid-line" x1={px(0)} x2={px(1)} y1={py(tick)} y2={py(tick)} />
            <line class="grid-line" x1={px(tick)} x2={px(tick)} y1={py(0)} y2={py(1)} />
            <text class="tick" x={px(0) - 6} y={py(tick) + 4} text-anchor="end">
              {tick}
            </text>
            <text class="tick" x={px(tick)} y={SIZE - 18} text-anchor="middle">
              {tick}
            </text>
          </g>
        ))}
        <line class="chance" x1={px(0)} y1={py(0)} x2={px(1)} y2={py(1)} />
        <text class="tick" x={px(0.5)} y={SIZE - 3} text-anchor="middle">
          false positive rate
        </text>
        <text class="tick" text-anchor="middle" transform={`translate(9 ${py(0.5)}) rotate(-90)`}>
          true positive rate
        </text>
        {curves.map((curve, index) => (
          <g key={curve.name} class={`series-${(index % 6) + 1}`}>
            <path
              class="curve"
              d={linePath(curve.fpr.map((x, i) => [px(x), py(curve.tpr[i] ?? 0)]))}
            />
          </g>
        ))}
      </svg>
    </figure>
  );
}
