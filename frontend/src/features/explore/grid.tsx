import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { ImageSummary } from "../../api/types";
import { gridShape, moveFocus, TALL, visibleRange } from "../../lib/grid";
import { type GroupLayout, layoutGroups, moveInGroups, rowsBetween } from "../../lib/grouping";
import { readingOrder } from "../../lib/hanging";
import { loadMore, results, scrollMemory } from "../../shell/results";
import { pictureVersion } from "../../shell/workspace";
import { useKeys } from "../../ui/keys";
import { GroupHead } from "./group-head";
import { selected, selectThrough, toggleSelected } from "./selection";
import { flying, type Group, group, look, lookedAt } from "./state";
import { Tile } from "./tile";

const GAP = 4;
const HEAD = 32;
const ARROWS = [
  "ArrowLeft",
  "ArrowRight",
  "ArrowUp",
  "ArrowDown",
  "PageUp",
  "PageDown",
  "Home",
  "End",
];
/** So many images ahead of the eye the next page is asked for: a second of a fast scroll. */
const AHEAD = 2_000;
/** At rest on the first screen, its counts and pictures go first. */
const REST_MS = 400;
/** Without a further frame of scrolling, a flight has ended. */
const LANDED_MS = 100;

interface Extent {
  readonly width: number;
  readonly height: number;
}

function useExtent(): [RefObject<HTMLDivElement | null>, Extent] {
  const box = useRef<HTMLDivElement>(null);
  const [extent, setExtent] = useState<Extent>({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = (): void =>
      setExtent({ width: element.clientWidth, height: element.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);
  return [box, extent];
}

const land = (): void => {
  flying.value = false;
};

/** The scroll position, at most once a frame, and remembered for the way back from a case. */
function useScroll(box: RefObject<HTMLDivElement | null>, key: string): number {
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    element.scrollTop = scrollMemory.key === key ? scrollMemory.top : 0;
    scrollMemory.key = key;
    scrollMemory.top = element.scrollTop;
    setTop(element.scrollTop);
    let frame = 0;
    let landing: ReturnType<typeof setTimeout> | undefined;
    const listen = (): void => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        const gone = Math.abs(element.scrollTop - scrollMemory.top);
        flying.value = gone > element.clientHeight;
        clearTimeout(landing);
        if (flying.value) landing = setTimeout(land, LANDED_MS);
        scrollMemory.top = element.scrollTop;
        setTop(element.scrollTop);
      });
    };
    element.addEventListener("scroll", listen, { passive: true });
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(landing);
      land();
      element.removeEventListener("scroll", listen);
    };
  }, [key, box]);
  return top;
}

/** Arrows walk the grid from the grid itself or from nowhere; in the filters they scroll. */
function isOurs(): boolean {
  const focused = document.activeElement;
  return !focused || focused === document.body || focused.closest("#grid") !== null;
}

/** A thing of the grid and where it stands, in pixels of the field. */
interface Spot {
  readonly place: number;
  readonly x: number;
  readonly y: number;
}

interface Layout {
  readonly height: number;
  readonly spots: readonly Spot[];
  readonly heads: readonly { first: number; end: number; y: number }[];
  /** One past the last place in sight. */
  readonly last: number;
  readonly topOf: (place: number) => number;
  readonly move: (place: number, key: string) => number;
}

const keyOf = (image: ImageSummary, by: Group): string =>
  by === "exam" ? image.exam_id : image.patient_id;

function useGroups(
  items: readonly ImageSummary[],
  by: Group,
  columns: number,
  rowHeight: number,
): GroupLayout | null {
  return useMemo(() => {
    if (by === "image") return null;
    const arrange = (places: readonly number[]): readonly number[] => {
      const own = places.flatMap((place) => {
        const image = items[place];
        return image ? [{ ...image, place }] : [];
      });
      const exams = [...new Set(own.map((image) => image.exam_id))];
      return exams.flatMap((exam) =>
        readingOrder(own.filter((image) => image.exam_id === exam)).map((image) => image.place),
      );
    };
    const keys = items.map((image) => keyOf(image, by));
    return layoutGroups(keys, columns, rowHeight, HEAD, arrange);
  }, [items, by, columns, rowHeight]);
}

function groupedLayout(
  groups: GroupLayout,
  top: number,
  height: number,
  step: number,
  rowHeight: number,
): Layout {
  const seen = rowsBetween(groups, top - 2 * rowHeight, top + height + 2 * rowHeight);
  const rows = groups.rows.slice(seen.first, seen.last);
  return {
    height: groups.height,
    spots: rows.flatMap((row) =>
      row.places.map((place, column) => ({ place, x: column * step, y: row.top })),
    ),
    heads: rows.flatMap((row) => (row.head ? [{ ...row.head, y: row.top }] : [])),
    last: Math.max(0, ...rows.flatMap((row) => row.places)) + 1,
    topOf: (place) => groups.rows[groups.rowOf[place] ?? 0]?.top ?? 0,
    move: (place, key) => moveInGroups(groups, place, key),
  };
}

/** Thumbnails on black. Only the rows in sight (and two around them) are in the document. */
export function Grid({ tile: wanted }: { tile: number }) {
  const [box, extent] = useExtent();
  const { items, key, next, pending } = results.value;
  const by = group.value;
  const top = useScroll(box, key);
  const [focus, showFocus] = useState(0);
  // Keys come quicker than renders: the second one counts from where the first one led.
  const at = useRef(0);
  const setFocus = (place: number): void => {
    at.current = place;
    showFocus(place);
  };
  const moved = useRef(false);
  const ahead = next ? items.length + 24 : items.length;
  const shape = gridShape(extent.width, ahead, wanted, GAP);
  const groups = useGroups(items, by, shape.columns, shape.rowHeight);
  const step = shape.tile + GAP;
  const plain = (): Layout => {
    const { first, last } = visibleRange(shape, top, extent.height, ahead);
    const count = Math.max(0, Math.min(last, ahead) - first);
    return {
      height: shape.height,
      spots: Array.from({ length: count }, (_, index) => ({
        place: first + index,
        x: ((first + index) % shape.columns) * step,
        y: Math.floor((first + index) / shape.columns) * shape.rowHeight,
      })),
      heads: [],
      last,
      topOf: (place) => Math.floor(place / shape.columns) * shape.rowHeight,
      move: (place, pressed) => moveFocus(place, pressed, shape.columns, items.length),
    };
  };
  const layout = groups
    ? groupedLayout(groups, top, extent.height, step, shape.rowHeight)
    : plain();
  const pixels = Math.ceil(shape.tile * TALL * Math.min(2, window.devicePixelRatio || 1));

  useEffect(() => {
    if (extent.width === 0 || layout.last <= items.length - AHEAD) return;
    if (top > 0 || layout.last > items.length) return loadMore();
    const timer = setTimeout(loadMore, REST_MS);
    return () => clearTimeout(timer);
  });
  useEffect(() => {
    if (!moved.current) return;
    moved.current = false;
    box.current
      ?.querySelector<HTMLElement>(`[data-place="${at.current}"] a`)
      ?.focus({ preventScroll: true });
  }, [focus, box, top]);

  const go = (event: KeyboardEvent): void => {
    const element = box.current;
    if (!element || items.length === 0) return;
    const place = layout.move(at.current, event.key);
    const row = layout.topOf(place);
    if (row < element.scrollTop) element.scrollTop = row;
    if (row + shape.rowHeight > element.scrollTop + extent.height) {
      element.scrollTop = row + shape.rowHeight - extent.height;
    }
    moved.current = true;
    setFocus(place);
    const image = items[place];
    if (lookedAt.value && image) look(image.image_id);
  };
  const toggleLook = (): void => {
    const image = items[at.current];
    if (image) look(lookedAt.value === image.image_id ? null : image.image_id);
  };
  const pick = (): void => {
    const image = items[at.current];
    if (image) toggleSelected(image);
  };
  useKeys([
    { keys: ARROWS, does: "Move through the images", run: go, when: isOurs },
    { keys: [" "], does: "Quick look beside the grid", run: toggleLook },
    { keys: ["x"], does: "Select the focused image", run: pick },
    { keys: ["X"], does: "Select up to the focused image", run: () => selectThrough(at.current) },
    { keys: ["Enter"], does: "Open the case of the focused image" },
  ]);

  return (
    <div
      class={`grid on-black ${pending && items.length > 0 && !next ? "stale" : ""}`}
      ref={box}
      id="grid"
    >
      <div
        class="grid-field"
        style={{ "--height": `${layout.height}px`, "--tile": `${shape.tile}px`, "--tall": TALL }}
      >
        {layout.heads.map(({ first, end, y }) => (
          <GroupHead key={`head-${first}`} images={items.slice(first, end)} by={by} y={y} />
        ))}
        {layout.spots.map(({ place, x, y }) => {
          const image = items[place];
          const style = { "--x": `${x}px`, "--y": `${y}px` };
          return (
            <div
              key={image?.image_id ?? `ahead-${place}`}
              class="cell"
              data-place={place}
              style={style}
            >
              {image ? (
                <Tile
                  image={image}
                  pixels={pixels}
                  version={pictureVersion.value}
                  focusable={place === focus}
                  looked={image.image_id === lookedAt.value}
                  picked={selected.value.has(image.image_id)}
                  onFocus={() => setFocus(place)}
                  onPick={(through) => (through ? selectThrough(place) : toggleSelected(image))}
                />
              ) : (
                <div class="tile skeleton" />
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}
