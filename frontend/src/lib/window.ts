/** Window centre and width (PS3.3 C.11.2): the grey values that are spread over black to white. */

export interface Window {
  readonly center: number;
  readonly width: number;
}

/** EMBED's table holds a number, or a list as text ("[2047, 1500]"); the first value is the default. */
export function firstNumber(cell: unknown): number | null {
  const match = /-?\d+(?:\.\d+)?/.exec(String(cell ?? ""));
  return match ? Number(match[0]) : null;
}

/** The window the file asks for; without one, the full range of the stored bits. */
export function defaultWindow(columns: Readonly<Record<string, unknown>>): Window {
  const center = firstNumber(columns.WindowCenter);
  const width = firstNumber(columns.WindowWidth);
  if (center !== null && width !== null && width >= 1) return { center, width };
  const range = 2 ** (firstNumber(columns.BitsStored) ?? 12);
  return { center: range / 2, width: range };
}

/** Dragging right widens, dragging down brightens less; one screen width is two ranges. */
export function dragWindow(from: Window, dx: number, dy: number, extent: number): Window {
  const step = (2 * from.width) / Math.max(1, extent);
  return {
    center: Math.round(from.center + dy * step),
    width: Math.max(2, Math.round(from.width + dx * step)),
  };
}

/**
 * What a linear filter must do to a picture shown at `from` to look as at `to`, until the true one is
 * there: grey' = slope * grey + intercept, grey from 0 to 1.
 */
export function previewOf(from: Window, to: Window): { slope: number; intercept: number } {
  const low = (window: Window): number => window.center - window.width / 2;
  return { slope: from.width / to.width, intercept: (low(from) - low(to)) / to.width };
}

export interface Preset {
  readonly key: string;
  readonly name: string;
  /** Null: as the file asks for it. */
  readonly of: (columns: Readonly<Record<string, unknown>>) => Window | null;
}

const scaled = (window: Window, center: number, width: number): Window => ({
  center: Math.round(window.center * center),
  width: Math.max(2, Math.round(window.width * width)),
});

/** Presets start from the file's own window, because vendors differ by more than any fixed numbers. */
export const PRESETS: readonly Preset[] = [
  { key: "1", name: "As stored", of: () => null },
  { key: "2", name: "High contrast", of: (columns) => scaled(defaultWindow(columns), 1.05, 0.45) },
  { key: "3", name: "Calcifications", of: (columns) => scaled(defaultWindow(columns), 1.35, 0.35) },
  { key: "4", name: "Skin line", of: (columns) => scaled(defaultWindow(columns), 0.45, 0.6) },
  {
    key: "5",
    name: "Full range",
    of: (columns) => {
      const range = 2 ** (firstNumber(columns.BitsStored) ?? 12);
      return { center: range / 2, width: range };
    },
  },
];

export function parseWindow(text: string | null): Window | null {
  const parts = (text ?? "").split(",").map(Number);
  const [center, width] = parts;
  if (center === undefined || width === undefined || parts.some((part) => !Number.isFinite(part)))
    return null;
  return width >= 1 ? { center, width } : null;
}
