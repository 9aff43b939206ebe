import type { Ref } from "preact";
import { formatCount, formatPercent } from "../../lib/format";
import "./charts.css";

export interface Bar {
  readonly label: string;
  readonly count: number;
  /** A colour of its own, such as an assessment's; the accent otherwise. */
  readonly colour?: string | undefined;
  readonly onClick?: (() => void) | undefined;
}

const ROW = 24;
const RIGHT = 118;

const shortened = (label: string, width: number): string => {
  const most = Math.floor(width / 7);
  return label.length > most ? `${label.slice(0, most - 1)}…` : label;
};

/** Counts as lying bars, each with its number and share; text at its true size, so it can be printed. */
export function Bars({
  title,
  bars,
  width,
  total,
  svgRef,
}: {
  title: string;
  bars: readonly Bar[];
  width: number;
  total: number;
  svgRef?: Ref<SVGSVGElement>;
}) {
  const most = Math.max(1, ...bars.map((bar) => bar.count));
  const left = Math.min(220, Math.max(96, width * 0.38));
  const room = Math.max(40, width - left - RIGHT);
  return (
    <svg
      ref={svgRef ?? null}
      class="bars"
      width={width}
      height={bars.length * ROW + 4}
      role="img"
      aria-label={`${title}: ${bars.map((bar) => `${bar.label} ${bar.count}`).join(", ")}`}
    >
      {bars.map((bar, index) => {
        const y = index * ROW;
        const length = bar.count ? Math.max(1.5, (bar.count / most) * room) : 0;
        return (
          <g key={bar.label}>
            <title>{`${bar.label}: ${formatCount(bar.count)}`}</title>
            <text class="bar-label" x={left - 10} y={y + 16} text-anchor="end">
              {shortened(bar.label, left - 10)}
            </text>
            <rect
              class="bar"
              x={left}
              y={y + 5}
              width={length}
              height={ROW - 9}
              rx="2"
              style={bar.colour ? { fill: bar.colour } : {}}
            />
            <text class="bar-count" x={left + length + 6} y={y + 16}>
              {formatCount(bar.count)}
              <tspan class="bar-share" dx="6">
                {formatPercent(total ? bar.count / total : 0)}
              </tspan>
            </text>
          </g>
        );
      })}
    </svg>
  );
}
