/** Arithmetic of a virtual grid: which rows stand in sight, without a DOM. */

export interface GridShape {
  readonly columns: number;
  readonly tile: number;
  readonly rowHeight: number;
  readonly rows: number;
  readonly height: number;
}

/** Mammograms are taller than wide; a tile of their shape leaves less empty black. */
export const TALL = 1.2;

/** As many columns of at least `wanted` pixels as fit; tiles grow to fill the row. */
export function gridShape(width: number, count: number, wanted: number, gap: number): GridShape {
  const columns = Math.max(1, Math.floor((width + gap) / (wanted + gap)));
  const tile = Math.max(1, (width - gap * (columns - 1)) / columns);
  const rowHeight = tile * TALL + gap;
  const rows = Math.ceil(count / columns);
  return { columns, tile, rowHeight, rows, height: Math.max(0, rows * rowHeight - gap) };
}

/** First and one-past-last item to keep in the document. */
export function visibleRange(
  shape: GridShape,
  scrollTop: number,
  viewport: number,
  count: number,
  overscan = 2,
): { first: number; last: number } {
  const top = Math.max(0, Math.floor(scrollTop / shape.rowHeight) - overscan);
  const bottom = Math.ceil((scrollTop + viewport) / shape.rowHeight) + overscan;
  return { first: top * shape.columns, last: Math.min(count, bottom * shape.columns) };
}

/** Where an arrow key leads; the ends hold. */
export function moveFocus(index: number, key: string, columns: number, count: number): number {
  const steps: Record<string, number> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -columns,
    ArrowDown: columns,
    PageUp: -columns * 4,
    PageDown: columns * 4,
  };
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  const step = steps[key];
  if (step === undefined) return index;
  return Math.min(count - 1, Math.max(0, index + step));
}
