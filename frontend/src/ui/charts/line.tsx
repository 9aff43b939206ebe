import { useState } from "preact/hooks";
import { formatFigure } from "../../lib/format";
import { epochScale, linePath, niceScale, project } from "../../lib/scale";
import { useWidth } from "../width";
import "./charts.css";

export interface Series {
  readonly name: string;
  /** Place in the categorical palette, from 1. */
  readonly colour: number;
  readonly values: readonly (number | null)[];
}

interface Props {
  readonly title: string;
  readonly x: readonly number[];
  readonly series: readonly Series[];
  /** Fixed domain of y; without it the data decide. */
  readonly domain?: readonly [number, number];
  /** Epochs to come, which the curves leave room for. */
  readonly xMax?: number | undefined;
  /** Fixed domain of x; without it x counts epochs from 1. */
  readonly xDomain?: readonly [number, number];
  readonly xName: string;
  /** A place on x worth a dashed line, and why. */
  readonly mark?: { at: number; name: string } | undefined;
}

const HEIGHT = 220;
const PAD = { left: 40, right: 12, top: 10, bottom: 26 };

function nearest(values: readonly number[], wanted: number): number {
  let best = 0;
  for (const [index, value] of values.entries()) {
    if (Math.abs(value - wanted) < Math.abs((values[best] ?? 0) - wanted)) best = index;
  }
  return best;
}

/** Curves. The legend carries the figures: of the place pointed at, else of the last one. */
export function LineChart({ title, x, series, domain, xMax, xDomain, xName, mark }: Props) {
  const [box, width] = useWidth<HTMLDivElement>();
  const [at, setAt] = useState<number | null>(null);
  const values = series
    .flatMap((one) => one.values)
    .filter((value): value is number => value !== null);
  const y = domain
    ? niceScale(domain[0], domain[1])
    : niceScale(Math.min(0, ...values), values.length ? Math.max(...values) : 1);
  const xs = xDomain ? niceScale(...xDomain) : epochScale(Math.max(xMax ?? 0, ...x, 2), width);
  const px = (value: number): number => project(value, xs, PAD.left, width - PAD.right);
  const py = (value: number): number => project(value, y, HEIGHT - PAD.bottom, PAD.top);
  const shown = at ?? x.length - 1;
  const point = (event: PointerEvent): void => {
    if (!x.length || !box.current) return;
    const left = event.clientX - box.current.getBoundingClientRect().left;
    const share = (left - PAD.left) / Math.max(1, width - PAD.left - PAD.right);
    setAt(nearest(x, xs.min + share * (xs.max - xs.min)));
  };
  return (
    <figure class="chart">
      <figcaption>
        <h3>{title}</h3>
        <ul class="legend">
          {series.map((one) => (
            <li key={one.name}>
              <span class={`swatch series-${one.colour}`} />
              {one.name} <strong>{formatFigure(one.values[shown])}</strong>
            </li>
          ))}
          {x.length > 0 && (
            <li class="faint">
              {xName} {xDomain ? formatFigure(x[shown]) : x[shown]}
            </li>
          )}
        </ul>
      </figcaption>
      <div ref={box} onPointerMove={point} onPointerLeave={() => setAt(null)}>
        {width > 0 && (
          <svg width={width} height={HEIGHT} role="img" aria-label={`${title} by ${xName}`}>
            {y.ticks.map((tick) => (
              <g key={tick}>
                <line
                  class="grid-line"
                  x1={PAD.left}
                  x2={width - PAD.right}
                  y1={py(tick)}
                  y2={py(tick)}
                />
                <text class="tick" x={PAD.left - 6} y={py(tick) + 4} text-anchor="end">
                  {Number(tick.toPrecision(4))}
                </text>
              </g>
            ))}
            {xs.ticks.map((tick) => (
              <text key={tick} class="tick" x={px(tick)} y={HEIGHT - 8} text-anchor="middle">
                {tick}
              </text>
            ))}
            {mark && (
              <g>
                <line
                  class="mark"
                  x1={px(mark.at)}
                  x2={px(mark.at)}
                  y1={PAD.top}
                  y2={HEIGHT - PAD.bottom}
                />
                <text
                  class="tick"
                  x={px(mark.at) - 6}
                  y={PAD.top + 10}
                  text-anchor={px(mark.at) > width / 2 ? "end" : "start"}
                  dx={px(mark.at) > width / 2 ? 0 : 12}
                >
                  {mark.name}
                </text>
              </g>
            )}
            {at !== null && (
              <line
                class="cursor"
                x1={px(x[at] ?? xs.min)}
                x2={px(x[at] ?? xs.min)}
                y1={PAD.top}
                y2={HEIGHT - PAD.bottom}
              />
            )}
            {series.map((one) => (
              <g key={one.name} class={`series-${one.colour}`}>
                <path
                  class="curve"
                  d={linePath(
                    one.values.map((value, i) => [
                      px(x[i] ?? xs.min),
                      value === null ? null : py(value),
                    ]),
                  )}
                />
                {one.values.map((value, i) =>
                  value !== null && (x.length < 2 || i === shown) ? (
                    <circle key={x[i]} cx={px(x[i] ?? xs.min)} cy={py(value)} r="3" />
                  ) : null,
                )}
              </g>
            ))}
          </svg>
        )}
      </div>
    </figure>
  );
}

/** A curve without axes, for a row of a table. */
export function Sparkline({
  values,
  label,
}: {
  values: readonly (number | null)[];
  label: string;
}) {
  const known = values.filter((value): value is number => value !== null);
  if (known.length < 2) return <span class="faint">–</span>;
  const low = Math.min(...known);
  const span = Math.max(...known) - low || 1;
  const points = values.map((value, index): [number, number | null] => [
    1 + (index / (values.length - 1)) * 70,
    value === null ? null : 17 - ((value - low) / span) * 14,
  ]);
  return (
    <svg class="sparkline series-1" width="72" height="20" role="img" aria-label={label}>
      <path class="curve" d={linePath(points)} />
    </svg>
  );
}
