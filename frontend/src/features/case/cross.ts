/** What the pointer does on a picture, by keys: a cross that moves, carries the loupe, and sets the ends of a length. */
import { useEffect, useState } from "preact/hooks";
import type { ImageRecord } from "../../api/types";
import { type Point, spacingOf } from "../../lib/deep";
import { useKeys } from "../../ui/keys";
import type { Measure } from "./measure";

const MIDDLE: Point = { x: 0.5, y: 0.5 };
/** Of the picture's width and height. */
const STEP = 0.02;
const FINE = 0.002;
const MOVES: Readonly<Record<string, readonly [number, number]>> = {
  ArrowRight: [1, 0],
  ArrowLeft: [-1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

const within = (part: number): number => Math.min(1, Math.max(0, part));

export interface Cross {
  /** In parts of the picture as one sees it; null while there is none. */
  readonly at: Point | null;
  readonly measure: Measure | null;
  readonly setMeasure: (next: Measure | null) => void;
}

/** Its keys go before the page's own: call it before they are bound. */
export function useCross(record: ImageRecord | undefined): Cross {
  const [at, setAt] = useState<Point | null>(null);
  const [measure, setMeasure] = useState<Measure | null>(null);
  /** One end of the length is set; the other follows the cross. */
  const [open, setOpen] = useState(false);
  useEffect(() => {
    setAt(null);
    setOpen(false);
    setMeasure(null);
  }, [record?.image_id]);
  const shown = (): boolean => at !== null;
  const hide = (): void => {
    setAt(null);
    setOpen(false);
  };
  const move = (event: KeyboardEvent): void => {
    const [dx, dy] = MOVES[event.key] ?? [0, 0];
    const step = event.shiftKey ? FINE : STEP;
    if (!at) return;
    const next = { x: within(at.x + dx * step), y: within(at.y + dy * step) };
    setAt(next);
    if (open && measure) setMeasure({ ...measure, to: next });
  };
  const setEnd = (): void => {
    if (!at || !record) return;
    const spacing = spacingOf(record.image);
    if (!open) setMeasure({ imageId: record.image_id, from: at, to: at, spacing });
    setOpen(!open);
  };
  useKeys([
    {
      keys: ["x"],
      does: "A cross on the picture, on or off: measure and magnify by keys",
      run: () => (at ? hide() : setAt(MIDDLE)),
    },
    {
      keys: Object.keys(MOVES),
      does: "With the cross: move it, and the loupe with it; with Shift a tenth as far",
      when: shown,
      run: move,
    },
    { keys: ["Enter"], does: "With the cross: begin a length, end it", when: shown, run: setEnd },
    { keys: ["Escape"], does: "With the cross: put it away", when: shown, run: hide },
  ]);
  return { at, measure, setMeasure };
}
