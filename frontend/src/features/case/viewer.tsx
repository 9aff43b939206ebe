import { useEffect, useRef, useState } from "preact/hooks";
import type { ImageRecord, ImageSummary, RoiRecord } from "../../api/types";
import { hangExam, SLOTS } from "../../lib/hanging";
import { navigate, withQuery } from "../../lib/url";
import { defaultWindow, dragWindow, type Window } from "../../lib/window";
import { FITTED, panBy, type View, zoomAt } from "../../lib/zoom";
import { Film } from "./film";
import {
  carriedParameters,
  chosenWindow,
  inverted,
  roisShown,
  setView,
  setWindow,
  view,
} from "./state";

export type Tool = "window" | "pan";

interface ViewerProps {
  readonly record: ImageRecord;
  readonly current: ImageSummary;
  readonly rois: ReadonlyMap<number, readonly RoiRecord[]>;
  readonly layout: "one" | "four";
  readonly tool: Tool;
  readonly lit: number | null;
  readonly version: string;
}

interface Drag {
  readonly x: number;
  readonly y: number;
  readonly window: Window;
  readonly view: View;
  readonly pans: boolean;
}

/** Asking again for every pixel of a drag would only fill the queue; a short rest asks. */
const REST_MS = 140;

export function Viewer(props: ViewerProps) {
  const { record, current, layout } = props;
  const box = useRef<HTMLDivElement>(null);
  const drag = useRef<Drag | null>(null);
  const rest = useRef<ReturnType<typeof setTimeout>>(undefined);
  const [live, setLive] = useState<Window | null>(null);
  const [moving, setMoving] = useState<View | null>(null);
  const base = chosenWindow.value ?? defaultWindow(record.image);
  const seen = moving ?? view.value;

  // Once the true picture was asked for, the filter has nothing left to preview.
  useEffect(() => setLive(null), [chosenWindow.value, record.image_id]);
  useEffect(() => setMoving(null), [view.value, record.image_id]);
  useEffect(() => () => clearTimeout(rest.current), []);

  const begin = (event: PointerEvent): void => {
    if (event.button !== 0 && event.button !== 1) return;
    const pans = props.tool === "pan" || event.shiftKey || event.button === 1;
    if (pans && layout === "four") return;
    drag.current = { x: event.clientX, y: event.clientY, window: live ?? base, view: seen, pans };
    box.current?.setPointerCapture(event.pointerId);
  };
  const move = (event: PointerEvent): void => {
    const from = drag.current;
    const element = box.current;
    if (!from || !element) return;
    const dx = event.clientX - from.x;
    const dy = event.clientY - from.y;
    if (from.pans) {
      const frame = element.querySelector<HTMLElement>(".frame");
      const { offsetWidth: width = 1, offsetHeight: height = 1 } = frame ?? {};
      setMoving(panBy(from.view, dx / width, dy / height));
    } else if (live || Math.abs(dx) + Math.abs(dy) > 4) {
      setLive(dragWindow(from.window, dx, dy, element.clientWidth));
    }
  };
  const end = (event: PointerEvent): void => {
    const from = drag.current;
    drag.current = null;
    if (!from) return;
    const stayed = Math.abs(event.clientX - from.x) + Math.abs(event.clientY - from.y) <= 4;
    if (stayed) {
      choose(event);
      return;
    }
    if (from.pans && moving) setView(moving);
    else if (live) setWindow(live);
  };
  /** In the hanging a click takes another view of the exam as the current image. */
  const choose = (event: PointerEvent): void => {
    const under = document
      .elementFromPoint(event.clientX, event.clientY)
      ?.closest<HTMLElement>("[data-image]");
    const id = under?.dataset.image;
    if (layout === "four" && id && Number(id) !== current.image_id) {
      navigate(withQuery(`/images/${id}`, carriedParameters()), { replace: true });
    }
  };
  const wheel = (event: WheelEvent): void => {
    if (layout === "four") return;
    event.preventDefault();
    const frame = box.current?.querySelector<HTMLElement>(".film")?.getBoundingClientRect();
    const sheet = box.current?.querySelector<HTMLElement>(".frame");
    if (!frame || !sheet) return;
    const px = (event.clientX - frame.left - sheet.offsetLeft) / sheet.offsetWidth - 0.5;
    const py = (event.clientY - frame.top - sheet.offsetTop) / sheet.offsetHeight - 0.5;
    const next = zoomAt(seen, Math.exp(-event.deltaY / 400), px, py);
    setMoving(next);
    clearTimeout(rest.current);
    rest.current = setTimeout(() => setView(next), REST_MS);
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

  const film = (image: ImageSummary) => (
    <Film
      key={image.image_id}
      image={image}
      rois={roisShown.value ? (props.rois.get(image.image_id) ?? []) : []}
      lit={image.image_id === current.image_id ? props.lit : null}
      version={props.version}
      window={chosenWindow.value}
      live={live ? { from: base, to: live } : null}
      inverted={inverted.value}
      view={layout === "one" ? seen : FITTED}
    />
  );
  const hung = hangExam(current, record.siblings);
  const hint = live ?? chosenWindow.value;
  return (
    <div
      class={`viewer ${layout} ${props.tool}`}
      ref={box}
      onPointerDown={begin}
      onPointerMove={move}
      onPointerUp={end}
      onPointerCancel={() => {
        drag.current = null;
        setLive(null);
      }}
    >
      {layout === "one"
        ? film(current)
        : SLOTS.map((slot) => {
            const image = hung.get(slot);
            return (
              <div
                key={slot}
                class={`slot slot-${slot} ${image?.image_id === current.image_id ? "current" : ""}`}
                data-slot={slot}
              >
                {image ? (
                  film(image)
                ) : (
                  <p class="slot-empty">
                    no {slot.slice(0, 1)} {slot.slice(1)}
                  </p>
                )}
              </div>
            );
          })}
      {hint && (
        <div class="window-hint" aria-live="polite">
          centre {Math.round(hint.center)} · width {Math.round(hint.width)}
        </div>
      )}
    </div>
  );
}
