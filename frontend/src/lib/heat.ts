/** What a network went by on an image: the map as the server sends it, where it lies on the picture, its colours. Pure. */
import type { Area } from "./deep";

export interface HeatMap {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array;
}

const MAGIC = "\u0093NUMPY";
/** Length of the header: two bytes in version 1, four since. */
const LENGTH_AT = 8;

/** A NumPy array (NEP 1) of little-endian float32, two axes; null when it is anything else. */
export function parseHeat(bytes: ArrayBuffer): HeatMap | null {
  if (bytes.byteLength < LENGTH_AT + 4) return null;
  const text = (from: number, to: number): string =>
    String.fromCharCode(...new Uint8Array(bytes.slice(from, to)));
  if (text(0, 6) !== MAGIC) return null;
  const view = new DataView(bytes);
  const wide = view.getUint8(6) > 1;
  const begin = LENGTH_AT + (wide ? 4 : 2);
  const end = begin + (wide ? view.getUint32(LENGTH_AT, true) : view.getUint16(LENGTH_AT, true));
  const header = text(begin, end);
  const shape = /'shape': \((\d+), (\d+)\)/.exec(header);
  if (!shape || !header.includes("'<f4'") || header.includes("'fortran_order': True")) return null;
  const rows = Number(shape[1]);
  const columns = Number(shape[2]);
  if (bytes.byteLength - end !== rows * columns * 4) return null;
  return { rows, columns, values: new Float32Array(bytes.slice(end)) };
}

/** How a model's pictures become squares, as its weights say. */
export interface Preparation {
  readonly stored: number;
  readonly centre: number;
  readonly fit: "crop" | "pad";
}

export function preparationOf(document: Readonly<Record<string, unknown>>): Preparation | null {
  const stored = document.stored;
  if (typeof stored !== "object" || stored === null) return null;
  const { size, fit } = stored as Record<string, unknown>;
  const { centre } = document;
  if (typeof size !== "number" || typeof centre !== "number") return null;
  return fit === "crop" || fit === "pad" ? { stored: size, centre, fit } : null;
}

/**
 * Where the network's square lies, in parts of the picture with the chest wall on the left; padding reaches beyond it.
 * `crop` takes the middle of the shorter edge's square, `pad` puts the picture at the left, in the middle of the height.
 */
export function squareOn(
  rows: number,
  columns: number,
  { stored, centre, fit }: Preparation,
): Area {
  const whole = fit === "crop" ? Math.min(rows, columns) : Math.max(rows, columns);
  const side = (whole * centre) / stored;
  const left = fit === "crop" ? (columns - side) / 2 : (whole - side) / 2;
  return {
    left: left / columns,
    top: (rows - side) / 2 / rows,
    width: side / columns,
    height: side / rows,
  };
}

/** Dark to light, from nothing to all: points of matplotlib's `inferno`, even in lightness; the report's own. */
const COLOURS = [
  [0, 0, 4],
  [40, 11, 84],
  [101, 21, 110],
  [159, 42, 99],
  [212, 72, 66],
  [245, 125, 21],
  [250, 193, 39],
  [252, 255, 164],
] as const;
/** A few pixels of a map must not darken all others. */
const TOP = 0.995;

/** RGBA a pixel: the hotter, the more it covers. */
export function paintHeat({ values }: HeatMap): Uint8ClampedArray<ArrayBuffer> {
  const sorted = values.toSorted();
  const top = sorted[Math.floor((sorted.length - 1) * TOP)] || sorted.at(-1) || 1;
  const painted = new Uint8ClampedArray(values.length * 4);
  for (const [place, value] of values.entries()) {
    const heat = Math.min(1, Math.max(0, value / top));
    const at = heat * (COLOURS.length - 1);
    const below = COLOURS[Math.floor(at)] ?? COLOURS[0];
    const above = COLOURS[Math.ceil(at)] ?? below;
    const part = at - Math.floor(at);
    for (const channel of [0, 1, 2] as const)
      painted[place * 4 + channel] = below[channel] + part * (above[channel] - below[channel]);
    painted[place * 4 + 3] = 255 * Math.sqrt(heat);
  }
  return painted;
}
