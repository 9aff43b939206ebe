import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { gridShape, moveFocus, TALL, visibleRange } from "../../lib/grid";
import { loadMore, results, scrollMemory } from "../../shell/results";
import { pictureVersion } from "../../shell/workspace";
import { useKeys } from "../../ui/keys";
import { look, lookedAt } from "./state";
import { Tile } from "./tile";

const GAP = 4;
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

/** The scroll position, at most once a frame, and remembered for the way back from a case. */
function useScroll(box: RefObject<HTMLDivElement | null>, key: string): number {
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    element.scrollTop = scrollMemory.key === key ? scrollMemory.top : 0;
    setTop(element.scrollTop);
    let frame = 0;
    const listen = (): void => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        scrollMemory.key = key;
        scrollMemory.top = element.scrollTop;
        setTop(element.scrollTop);
      });
    };
    element.addEventListener("scroll", listen, { passive: true });
    return () => {
      cancelAnimationFrame(frame);
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

/** Thumbnails on black. Only the rows in sight (and two around them) are in the document. */
export function Grid({ tile: wanted }: { tile: number }) {
  const [box, extent] = useExtent();
  const { items, key, next, pending } = results.value;
  const top = useScroll(box, key);
  const [focus, setFocus] = useState(0);
  const moved = useRef(false);
  const ahead = next ? items.length + 24 : items.length;
  const shape = gridShape(extent.width, ahead, wanted, GAP);
  const { first, last } = visibleRange(shape, top, extent.height, ahead);
  const pixels = Math.ceil(shape.tile * TALL * Math.min(2, window.devicePixelRatio || 1));

  useEffect(() => {
    if (extent.width > 0 && last > items.length - shape.columns * 8) loadMore();
  });
  useEffect(() => {
    if (!moved.current) return;
    moved.current = false;
    box.current
      ?.querySelector<HTMLElement>(`[data-place="${focus}"] a`)
      ?.focus({ preventScroll: true });
  }, [focus, box, first, last]);

  const go = (event: KeyboardEvent): void => {
    const element = box.current;
    if (!element || items.length === 0) return;
    const place = moveFocus(focus, event.key, shape.columns, items.length);
    const row = Math.floor(place / shape.columns) * shape.rowHeight;
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
    const image = items[focus];
    if (image) look(lookedAt.value === image.image_id ? null : image.image_id);
  };
  useKeys([
    { keys: ARROWS, does: "Move through the images", run: go, when: isOurs },
    { keys: [" "], does: "Quick look beside the grid", run: toggleLook },
    { keys: ["Enter"], does: "Open the case of the focused image" },
  ]);

  const tiles = [];
  for (let place = first; place < Math.min(last, ahead); place += 1) {
    const image = items[place];
    const style = {
      "--x": `${(place % shape.columns) * (shape.tile + GAP)}px`,
      "--y": `${Math.floor(place / shape.columns) * shape.rowHeight}px`,
    };
    tiles.push(
      <div key={image?.image_id ?? `ahead-${place}`} class="cell" data-place={place} style={style}>
        {image ? (
          <Tile
            image={image}
            pixels={pixels}
            version={pictureVersion.value}
            focusable={place === focus}
            looked={image.image_id === lookedAt.value}
            onFocus={() => setFocus(place)}
          />
        ) : (
          <div class="tile skeleton" />
        )}
      </div>,
    );
  }
  return (
    <div
      class={`grid on-black ${pending && items.length > 0 && !next ? "stale" : ""}`}
      ref={box}
      id="grid"
    >
      <div
        class="grid-field"
        style={{ "--height": `${shape.height}px`, "--tile": `${shape.tile}px`, "--tall": TALL }}
      >
        {tiles}
      </div>
    </div>
  );
}
