import { useMemo, useState } from "preact/hooks";
import { formatFigure } from "../../lib/format";
import { epochScale, linePath, niceScale, project } from "../../lib/scale";
import { useWidth } from "../width";
import "./charts.css";

type Points = readonly (readonly [number, number | null])[];

export interface Curve {
  readonly id: string;
  readonly name: string;
  readonly points: Points;
}

interface Props {
  readonly title: string;
  readonly xName: string;
  readonly curves: readonly Curve[];
  readonly domain?: readonly [number, number];
  readonly lit: string | null;
  readonly onLight: (id: string | null) => void;
}

const HEIGHT = 340;
const PAD = { left: 44, right: 14, top: 10, bottom: 28 };
const COLOURS = 6;

/** A curve; of one epoch alone a point, which a path would not show. */
function Drawn({ points }: { points: Points }) {
  const [[x, y] = [0, null]] = points;
  if (points.length === 1 && y !== null) return <circle cx={x} cy={y} r="3" />;
  return <path class="curve" d={linePath(points)} />;
}

/** Hundreds of curves in one picture: the one pointed at (or focused in the table) stands out, with its name. */
export function Overlay({ title, xName, curves, domain, lit, onLight }: Props) {
  const [box, width] = useWidth<HTMLDivElement>();
  const [at, setAt] = useState<{ x: number; value: number } | null>(null);
  const drawn = useMemo(() => {
    const values = curves.flatMap((curve) =>
      curve.points.flatMap(([, y]) => (y === null ? [] : [y])),
    );
    const y = domain
      ? niceScale(domain[0], domain[1])
      : niceScale(Math.min(0, ...values), values.length ? Math.max(...values) : 1);
    const last = Math.max(2, ...curves.flatMap((curve) => curve.points.map(([x]) => x)));
    const x = epochScale(last, width);
    const px = (epoch: number): number => project(epoch, x, PAD.left, width - PAD.right);
    const py = (value: number): number => project(value, y, HEIGHT - PAD.bottom, PAD.top);
    const placed = curves.map((curve, index) => ({
      ...curve,
      colour: (index % COLOURS) + 1,
      screen: curve.points.map(([epoch, value]): [number, number | null] => [
        px(epoch),
        value === null ? null : py(value),
      ]),
    }));
    return { x, y, px, py, placed };
  }, [curves, domain, width]);

  const point = (event: PointerEvent): void => {
    const frame = box.current?.getBoundingClientRect();
    if (!frame) return;
    const x = event.clientX - frame.left;
    const y = event.clientY - frame.top;
    let best: { id: string; distance: number; x: number; value: number } | null = null;
    for (const curve of drawn.placed) {
      for (const [index, [cx, cy]] of curve.screen.entries()) {
        const [epoch, value] = curve.points[index] ?? [0, null];
        if (cy === null || value === null) continue;
        const distance = Math.hypot(cx - x, cy - y);
        if (!best || distance < best.distance) best = { id: curve.id, distance, x: epoch, value };
      }
    }
    onLight(best?.id ?? null);
    setAt(best ? { x: best.x, value: best.value } : null);
  };
  const chosen = drawn.placed.find((curve) => curve.id === lit);
  return (
    <figure class="chart overlay">
      <figcaption>
        <h3>{title}</h3>
        <ul class="legend" aria-live="polite">
          {chosen ? (
            <li>
              <span class={`swatch series-${chosen.colour}`} />
              <strong>{chosen.name}</strong>
              {at && ` ${formatFigure(at.value)} at ${xName} ${at.x}`}
            </li>
          ) : (
            <li class="faint">{curves.length} curves; point at one to read it</li>
          )}
        </ul>
      </figcaption>
      <div
        ref={box}
        onPointerMove={point}
        onPointerLeave={() => {
          onLight(null);
          setAt(null);
        }}
      >
        {width > 0 && (
          <svg
            width={width}
            height={HEIGHT}
            role="img"
            aria-label={`${title} of ${curves.length} jobs`}
          >
            {drawn.y.ticks.map((tick) => (
              <g key={tick}>
                <line
                  class="grid-line"
                  x1={PAD.left}
                  x2={width - PAD.right}
                  y1={drawn.py(tick)}
                  y2={drawn.py(tick)}
                />
                <text class="tick" x={PAD.left - 6} y={drawn.py(tick) + 4} text-anchor="end">
                  {Number(tick.toPrecision(4))}
                </text>
              </g>
            ))}
            {drawn.x.ticks.map((tick) => (
              <text key={tick} class="tick" x={drawn.px(tick)} y={HEIGHT - 8} text-anchor="middle">
                {tick}
              </text>
            ))}
            <g class={chosen ? "others" : ""}>
              {drawn.placed.map((curve) => (
                <g key={curve.id} class={`series-${curve.colour}`}>
                  <Drawn points={curve.screen} />
                </g>
              ))}
            </g>
            {chosen && (
              <g class={`series-${chosen.colour} chosen`}>
                <Drawn points={chosen.screen} />
              </g>
            )}
          </svg>
        )}
      </div>
    </figure>
  );
}
