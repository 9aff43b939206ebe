/** Which part of an image a film shows, for a viewer of tiles; and lengths on it. Pure. */
import type { View } from "./zoom";

export interface Area {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** A rectangle in parts of the image's width, as OpenSeadragon measures both its axes. */
export interface Part {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * What of the image a cell of `cell` pixels shows whose unzoomed picture lies at `frame`. Zooming goes about the middle of
 * the frame (CSS transform), so the middle is where the sum begins.
 */
export function partInSight(
  cell: { width: number; height: number },
  frame: Area,
  view: View,
): Part {
  const middleX = frame.left + frame.width / 2 + view.x * frame.width;
  const middleY = frame.top + frame.height / 2 + view.y * frame.height;
  const unit = view.scale * frame.width;
  return {
    x: 0.5 - middleX / unit,
    y: frame.height / frame.width / 2 - middleY / unit,
    width: cell.width / unit,
    height: cell.height / unit,
  };
}

/** The same part of a picture whose left and right are exchanged. */
export function mirroredPart(part: Part): Part {
  return { ...part, x: 1 - part.x - part.width };
}

/** Row and column spacing in mm; EMBED writes a list as text ("[0.07, 0.07]"). Rows first (PS3.3 10.7.1.3). */
export function parseSpacing(cell: unknown): { row: number; column: number } | null {
  const found =
    String(cell ?? "")
      .match(/\d+(?:\.\d+)?/g)
      ?.map(Number) ?? [];
  const [row, column = row] = found;
  return row && column ? { row, column } : null;
}

export interface Spacing {
  readonly row: number;
  readonly column: number;
  /** In the plane of the breast (divided by the magnification), or of the detector. */
  readonly plane: "breast" | "detector";
}

/**
 * Millimetres per pixel. Imager Pixel Spacing is measured at the detector; a projection is larger than what it shows by the
 * Estimated Radiographic Magnification Factor (PS3.3 C.8.11.3).
 */
export function spacingOf(columns: Readonly<Record<string, unknown>>): Spacing | null {
  const imager = parseSpacing(columns.ImagerPixelSpacing) ?? parseSpacing(columns.PixelSpacing);
  if (!imager) return null;
  const magnified = Number(columns.EstimatedRadiographicMagnificationFactor);
  if (!(magnified >= 1)) return { ...imager, plane: "detector" };
  return { row: imager.row / magnified, column: imager.column / magnified, plane: "breast" };
}

export interface Point {
  /** In parts of the picture's width and of its height. */
  readonly x: number;
  readonly y: number;
}

/** Length between two points of a picture: pixels, and millimetres where the spacing is known. */
export function lengthBetween(
  from: Point,
  to: Point,
  rows: number,
  columns: number,
  spacing: Spacing | null,
): { pixels: number; millimetres: number | null } {
  const dx = (to.x - from.x) * columns;
  const dy = (to.y - from.y) * rows;
  return {
    pixels: Math.hypot(dx, dy),
    millimetres: spacing ? Math.hypot(dx * spacing.column, dy * spacing.row) : null,
  };
}
