/** Scales and ticks for the small charts. Pure. */

export interface Scale {
  readonly min: number;
  readonly max: number;
  readonly ticks: readonly number[];
}

/** A domain that ends on round numbers, with about `count` ticks. */
export function niceScale(low: number, high: number, count = 4): Scale {
  if (!Number.isFinite(low) || !Number.isFinite(high)) return { min: 0, max: 1, ticks: [0, 1] };
  const span = high - low || Math.abs(high) || 1;
  const raw = span / count;
  const magnitude = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * magnitude).find((s) => s >= raw) ?? raw;
  const min = Math.floor(low / step) * step;
  const max = Math.max(Math.ceil(high / step) * step, min + step);
  const ticks: number[] = [];
  for (let i = 0; min + i * step <= max + step / 2; i += 1)
    ticks.push(Number((min + i * step).toPrecision(10)));
  return { min, max, ticks };
}

const TICK_ROOM = 70;

/** Epochs from 1 to the last, with as many ticks as there is room for in `width` pixels. */
export function epochScale(last: number, width: number): Scale {
  const step = Math.max(1, Math.ceil(last / Math.max(2, Math.floor(width / TICK_ROOM))));
  const count = Math.floor((last - 1) / step) + 1;
  return {
    min: 1,
    max: last,
    ticks: Array.from({ length: count }, (_, index) => 1 + index * step),
  };
}

export function project(value: number, scale: Scale, from: number, to: number): number {
  return from + ((value - scale.min) / (scale.max - scale.min)) * (to - from);
}

/** An SVG path through the points; a gap where a value is missing. */
export function linePath(points: readonly (readonly [number, number | null])[]): string {
  let pen = "M";
  const parts: string[] = [];
  for (const [x, y] of points) {
    if (y === null || !Number.isFinite(y)) {
      pen = "M";
      continue;
    }
    parts.push(`${pen}${x.toFixed(1)} ${y.toFixed(1)}`);
    pen = "L";
  }
  return parts.join("");
}
