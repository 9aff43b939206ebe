import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { ExamRecord, ImageRecord, ImageSummary, RoiRecord } from "../../api/types";
import { type Point, type Spacing, spacingOf } from "../../lib/deep";
import { daysBetween, formatDate } from "../../lib/format";
import { hangExam, isMirrored, SLOTS, type Slot } from "../../lib/hanging";
import { navigate, withQuery } from "../../lib/url";
import { defaultWindow, dragWindow, type Window } from "../../lib/window";
import { panBy, type View, zoomAt } from "../../lib/zoom";
import type { Asked } from "./asked";
import type { Cross } from "./cross";
import { Film } from "./film";
import { filmAt, isOn, type OnFilm, placeOn } from "./gestures";
import { Loupe } from "./loupe";
import {
  carriedParameters,
  chosenWindow,
  inverted,
  type Layout,
  roisShown,
  setView,
  setWindow,
  type Tool,
  view,
} from "./state";

interface ViewerProps {
  readonly record: ImageRecord;
  readonly current: ImageSummary;
  /** Records of the other views, as far as they are there: their ROIs and spacing. */
  readonly others: ReadonlyMap<number, ImageRecord>;
  readonly prior: ExamRecord | null;
  readonly layout: Layout;
  readonly tool: Tool;
  readonly loupe: boolean;
  readonly synced: boolean;
  readonly lit: number | null;
  readonly asked: Asked;
  readonly cross: Cross;
  readonly version: string;
}

/** What the loupe is over: a place of a picture, and where that is in the viewer. */
interface Under {
  readonly imageId: number;
  readonly at: Point;
  readonly x: number;
  readonly y: number;
}

interface Drag {
  readonly x: number;
  readonly y: number;
  readonly window: Window;
  readonly view: View;
  readonly film: OnFilm;
  readonly kind: Tool;
}

/** Asking again for every pixel of a drag would only fill the queue; a short rest asks. */
const REST_MS = 140;
const STILL = 4;

/** `2013-05-02, 12 months before`. */
function priorNote(exam: ExamRecord, record: ImageRecord): string | null {
  const then = exam.exam.study_date_anon;
  const now = record.exam.study_date_anon ?? record.image.study_date_anon;
  if (typeof then !== "string") return "other exam";
  if (typeof now !== "string") return formatDate(then);
  const days = daysBetween(then, now);
  const months = Math.round(Math.abs(days) / 30.44);
  const apart = months > 1 ? `${months} months` : `${Math.abs(days)} days`;
  return `${formatDate(then)}, ${apart} ${days >= 0 ? "before" : "after"}`;
}

/** The films of the other exam in the same places. */
function hangPrior(exam: ExamRecord, kind: string): Map<Slot, ImageSummary> {
  const first = exam.images.find((one) => (one.FinalImageType ?? "2D") === kind) ?? exam.images[0];
  return first ? hangExam(first, exam.images) : new Map();
}

export function Viewer(props: ViewerProps) {
  const { record, current, layout, prior } = props;
  const box = useRef<HTMLDivElement>(null);
  const drag = useRef<Drag | null>(null);
  const rest = useRef<ReturnType<typeof setTimeout>>(undefined);
  const [live, setLive] = useState<Window | null>(null);
  const [moving, setMoving] = useState<View | null>(null);
  /** Views of films that move by themselves, while they are not synchronised. */
  const [free, setFree] = useState<ReadonlyMap<number, View>>(new Map());
  const { at: crossAt, measure, setMeasure } = props.cross;
  const [under, setUnder] = useState<Under | null>(null);
  const base = chosenWindow.value ?? defaultWindow(record.image);
  const shared = moving ?? view.value;
  const viewOf = (imageId: number): View => (props.synced ? shared : (free.get(imageId) ?? shared));

  // Once the true picture was asked for, the filter has nothing left to preview.
  useEffect(() => setLive(null), [chosenWindow.value, record.image_id]);
  useEffect(() => setMoving(null), [view.value, record.image_id]);
  useEffect(() => setMeasure(null), [layout]);
  useEffect(() => setFree(new Map()), [props.synced, record.image_id]);
  useEffect(() => () => clearTimeout(rest.current), []);
  useLayoutEffect(() => setUnder(null), [crossAt === null, current.image_id]);
  // After the films have moved: where the cross is on the screen is theirs to say.
  useLayoutEffect(() => {
    const place = crossAt && box.current && placeOn(box.current, current.image_id, crossAt);
    if (place) setUnder({ imageId: current.image_id, at: crossAt, ...place });
  }, [crossAt, shared, layout, current.image_id]);

  const images = new Map<number, ImageSummary>(
    [current, ...record.siblings, ...(prior?.images ?? [])].map((one) => [one.image_id, one]),
  );
  const recordOf = (id: number): ImageRecord | undefined =>
    id === record.image_id ? record : props.others.get(id);
  const spacing = (id: number): Spacing | null => {
    const known = recordOf(id);
    return known ? spacingOf(known.image) : null;
  };
  /** A right breast hangs mirrored: what moves it right on the screen moves it left in its own frame. */
  const turn = (id: number): number => {
    const image = images.get(id);
    return image && isMirrored(image) ? -1 : 1;
  };
  const move = (id: number, next: View, settled: boolean): void => {
    if (!props.synced) setFree(new Map(free).set(id, next));
    else if (settled) setView(next);
    else setMoving(next);
  };

  const begin = (event: PointerEvent): void => {
    const film = filmAt(event.clientX, event.clientY);
    if (!film || (event.button !== 0 && event.button !== 1)) return;
    const kind = event.shiftKey || event.button === 1 ? "pan" : props.tool;
    if (kind === "measure" && isOn(film.at)) {
      const ended = measure && measure.imageId === film.imageId && measure.from === measure.to;
      // A click begins, a second one ends; a drag does both.
      const from = ended ? measure.from : film.at;
      const to = film.at;
      setMeasure({ imageId: film.imageId, from, to, spacing: spacing(film.imageId) });
    }
    const start = { x: event.clientX, y: event.clientY, window: live ?? base };
    drag.current = { ...start, view: viewOf(film.imageId), film, kind };
    box.current?.setPointerCapture(event.pointerId);
  };
  const pointAt = (event: PointerEvent): void => {
    const from = drag.current;
    const element = box.current;
    if (!element) return;
    if (props.loupe) {
      const film = filmAt(event.clientX, event.clientY);
      const corner = element.getBoundingClientRect();
      const [x, y] = [event.clientX - corner.left, event.clientY - corner.top];
      setUnder(film && isOn(film.at) ? { imageId: film.imageId, at: film.at, x, y } : null);
    }
    if (!from) return;
    const dx = event.clientX - from.x;
    const dy = event.clientY - from.y;
    const { imageId, frame, at } = from.film;
    if (from.kind === "pan") {
      move(imageId, panBy(from.view, (turn(imageId) * dx) / frame.width, dy / frame.height), false);
    } else if (from.kind === "measure" && measure) {
      const zoom = from.view.scale;
      const to = { x: at.x + dx / frame.width / zoom, y: at.y + dy / frame.height / zoom };
      if (Math.abs(dx) + Math.abs(dy) > STILL) setMeasure({ ...measure, to });
    } else if (live || Math.abs(dx) + Math.abs(dy) > STILL) {
      setLive(dragWindow(from.window, dx, dy, element.clientWidth));
    }
  };
  const end = (event: PointerEvent): void => {
    const from = drag.current;
    drag.current = null;
    if (!from) return;
    const stayed = Math.abs(event.clientX - from.x) + Math.abs(event.clientY - from.y) <= STILL;
    if (from.kind === "measure") return;
    if (stayed) choose(from.film.imageId);
    else if (from.kind === "pan") {
      if (props.synced && moving) setView(moving);
    } else if (live) setWindow(live);
  };
  /** In the hanging a click takes another view of the exam as the current image. */
  const choose = (id: number): void => {
    const own = record.siblings.some((one) => one.image_id === id);
    if (!own || id === current.image_id) return;
    navigate(withQuery(`/images/${id}`, carriedParameters()), { replace: true });
  };
  const wheel = (event: WheelEvent): void => {
    const film = filmAt(event.clientX, event.clientY);
    if (!film) return;
    event.preventDefault();
    const { imageId, fromMiddle } = film;
    const factor = Math.exp(-event.deltaY / 400);
    const next = zoomAt(viewOf(imageId), factor, turn(imageId) * fromMiddle.x, fromMiddle.y);
    move(imageId, next, false);
    clearTimeout(rest.current);
    if (props.synced) rest.current = setTimeout(() => setView(next), REST_MS);
  };
  const latestWheel = useRef(wheel);
  latestWheel.current = wheel;
  useEffect(() => {
    const element = box.current;
    // Not passive, because the page must not scroll under a zoom.
    const listen = (event: WheelEvent): void => latestWheel.current(event);
    element?.addEventListener("wheel", listen, { passive: false });
    return () => element?.removeEventListener("wheel", listen);
  }, []);

  const roisOf = (id: number): readonly RoiRecord[] =>
    roisShown.value ? (recordOf(id)?.rois ?? []) : [];
  const film = (image: ImageSummary, note: string | null = null) => (
    <Film
      key={image.image_id}
      image={image}
      rois={roisOf(image.image_id)}
      lit={image.image_id === current.image_id ? props.lit : null}
      version={props.version}
      window={chosenWindow.value}
      live={live ? { from: base, to: live } : null}
      inverted={inverted.value}
      view={viewOf(image.image_id)}
      leans={layout === "four"}
      measure={measure?.imageId === image.image_id ? measure : null}
      asked={image.image_id === current.image_id ? props.asked : null}
      cross={image.image_id === current.image_id ? crossAt : null}
      note={note}
    />
  );
  const slot = (of: ReadonlyMap<Slot, ImageSummary>, name: Slot, note: string | null) => {
    const image = of.get(name);
    const here = image?.image_id === current.image_id;
    return (
      <div
        key={`${name} ${note}`}
        class={`slot slot-${name} ${here ? "current" : ""}`}
        {...(note === null ? { "data-slot": name } : { "data-prior": name })}
      >
        {image ? (
          film(image, note)
        ) : (
          <p class="slot-empty">
            no {name.slice(0, 1)} {name.slice(1)}
          </p>
        )}
      </div>
    );
  };
  const hung = hangExam(current, record.siblings);
  const before = prior ? hangPrior(prior, current.FinalImageType ?? "2D") : null;
  const beforeNote = prior ? priorNote(prior, record) : null;
  const ownSlot = [...hung].find(([, image]) => image.image_id === current.image_id)?.[0];
  const hint = live ?? chosenWindow.value;
  const looked = under && images.get(under.imageId);
  return (
    <div
      class={`viewer ${layout} ${props.tool} ${before ? "with-prior" : ""} ${crossAt ? "crossed" : ""}`}
      ref={box}
      onPointerDown={begin}
      onPointerMove={pointAt}
      onPointerUp={end}
      onPointerLeave={() => setUnder(null)}
      onPointerCancel={() => {
        drag.current = null;
        setLive(null);
      }}
    >
      {layout === "one" ? (
        <>
          {before && ownSlot && slot(before, ownSlot, beforeNote)}
          <div class="slot">{film(current)}</div>
        </>
      ) : (
        <>
          {SLOTS.map((name) => slot(hung, name, null))}
          {before && SLOTS.map((name) => slot(before, name, beforeNote))}
        </>
      )}
      {hint && (
        <div class="window-hint" aria-live="polite">
          centre {Math.round(hint.center)} · width {Math.round(hint.width)}
        </div>
      )}
      {props.loupe && under && looked && (
        <Loupe
          image={looked}
          at={under.at}
          x={under.x}
          y={under.y}
          version={props.version}
          window={chosenWindow.value}
          inverted={inverted.value}
        />
      )}
    </div>
  );
}
