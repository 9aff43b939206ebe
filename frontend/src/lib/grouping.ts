/** Rows of a grid whose images stand in groups, each under a headline of its own. Pure. */

export interface GroupRow {
  readonly top: number;
  readonly height: number;
  /** Where a group begins: its first and one-past-last item. */
  readonly head: { readonly first: number; readonly end: number } | null;
  /** Places of the items in this row, in the order they hang. */
  readonly places: readonly number[];
}

export interface GroupLayout {
  readonly rows: readonly GroupRow[];
  readonly height: number;
  /** The row of each item. */
  readonly rowOf: readonly number[];
}

/** `keys` holds the group of each item; equal neighbours are one group, put in order by `arrange`. */
export function layoutGroups(
  keys: readonly string[],
  columns: number,
  rowHeight: number,
  headHeight: number,
  arrange: (places: readonly number[]) => readonly number[],
): GroupLayout {
  const rows: GroupRow[] = [];
  const rowOf: number[] = new Array(keys.length).fill(0);
  let top = 0;
  for (let first = 0; first < keys.length; ) {
    let end = first + 1;
    while (end < keys.length && keys[end] === keys[first]) end += 1;
    rows.push({ top, height: headHeight, head: { first, end }, places: [] });
    top += headHeight;
    const places = arrange(Array.from({ length: end - first }, (_, index) => first + index));
    for (let at = 0; at < places.length; at += columns) {
      const part = places.slice(at, at + columns);
      for (const place of part) rowOf[place] = rows.length;
      rows.push({ top, height: rowHeight, head: null, places: part });
      top += rowHeight;
    }
    first = end;
  }
  return { rows, height: top, rowOf };
}

/** First and one-past-last row between two heights, by bisection. */
export function rowsBetween(
  layout: GroupLayout,
  top: number,
  bottom: number,
): { first: number; last: number } {
  const { rows } = layout;
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = rows[middle];
    if (row && row.top + row.height <= top) low = middle + 1;
    else high = middle;
  }
  let last = low;
  while (last < rows.length && (rows[last]?.top ?? 0) < bottom) last += 1;
  return { first: low, last };
}

/** Where an arrow key leads in a grouped grid: sideways along the order one sees, up and down by rows of images. */
export function moveInGroups(layout: GroupLayout, place: number, key: string): number {
  const order = layout.rows.flatMap((row) => [...row.places]);
  const at = order.indexOf(place);
  if (key === "Home") return order[0] ?? place;
  if (key === "End") return order.at(-1) ?? place;
  if (key === "ArrowLeft") return order[Math.max(0, at - 1)] ?? place;
  if (key === "ArrowRight") return order[Math.min(order.length - 1, at + 1)] ?? place;
  const steps: Record<string, number> = { ArrowUp: -1, ArrowDown: 1, PageUp: -4, PageDown: 4 };
  const step = steps[key] ?? 0;
  const filled = layout.rows.filter((row) => row.places.length > 0);
  const own = filled.findIndex((row) => row.places.includes(place));
  const target = filled[Math.min(filled.length - 1, Math.max(0, own + step))];
  const column = filled[own]?.places.indexOf(place) ?? 0;
  return target?.places[Math.min(column, target.places.length - 1)] ?? place;
}
