/** Zoom and pan of a picture: scale about the middle of its frame, offset in parts of the frame. */

export interface View {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

export const FITTED: View = { scale: 1, x: 0, y: 0 };
export const MAX_SCALE = 16;

const clamp = (value: number, low: number, high: number): number =>
  Math.min(high, Math.max(low, value));

/** The picture never leaves its frame: at scale s it may move by half of what stands over. */
function held(view: View): View {
  const room = (view.scale - 1) / 2;
  return { scale: view.scale, x: clamp(view.x, -room, room), y: clamp(view.y, -room, room) };
}

/** Zooms so that the point under the pointer (parts of the frame, from its middle) stays there. */
export function zoomAt(view: View, factor: number, px: number, py: number): View {
  const scale = clamp(view.scale * factor, 1, MAX_SCALE);
  const grown = scale / view.scale;
  return held({ scale, x: px - (px - view.x) * grown, y: py - (py - view.y) * grown });
}

export function panBy(view: View, dx: number, dy: number): View {
  return held({ scale: view.scale, x: view.x + dx, y: view.y + dy });
}

export function parseView(text: string | null): View {
  const [scale, x, y] = (text ?? "").split(",").map(Number);
  if (scale === undefined || x === undefined || y === undefined) return FITTED;
  if (![scale, x, y].every(Number.isFinite) || scale < 1) return FITTED;
  return held({ scale: Math.min(scale, MAX_SCALE), x, y });
}

export function viewText(view: View): string | null {
  if (view.scale === 1) return null;
  return [view.scale.toFixed(2), view.x.toFixed(3), view.y.toFixed(3)].join(",");
}
