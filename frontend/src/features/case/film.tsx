import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { renderedUrl } from "../../api/pictures";
import type { ImageSummary, RoiRecord } from "../../api/types";
import { type Area, type Point, partInSight } from "../../lib/deep";
import { isMirrored, roiBox } from "../../lib/hanging";
import { assessmentWords, viewName } from "../../lib/vocabulary";
import { previewOf, type Window } from "../../lib/window";
import type { View } from "../../lib/zoom";
import { AssessmentMark } from "../../ui/assessment";
import { usePicture } from "../../ui/picture";
import type { Asked } from "./asked";
import { DeepZoom } from "./deep";
import { HeatLayer } from "./heat";
import { type Measure, Measured } from "./measure";
import { method, opacity } from "./state";

export interface FilmProps {
  readonly image: ImageSummary;
  readonly rois: readonly RoiRecord[];
  readonly lit: number | null;
  readonly version: string;
  /** The window asked for; null is the file's own. */
  readonly window: Window | null;
  /** The window while it is dragged, shown by a filter until the true picture is there. */
  readonly live: { from: Window; to: Window } | null;
  readonly inverted: boolean;
  /** With the chest wall on the left. */
  readonly view: View;
  /** Films of a hanging lean on their neighbour; one alone stands in the middle. */
  readonly leans: boolean;
  readonly measure: Measure | null;
  /** The model that is asked about this image; null where it is about another. */
  readonly asked: Asked | null;
  /** The cross that keys move, in parts of the picture as one sees it. */
  readonly cross: Point | null;
  /** What else tells this film from others, such as the date of a prior. */
  readonly note?: string | null;
}

/** Beyond this the picture that fills the frame has too few pixels, and tiles take over. */
const DEEP_FROM = 1.05;

/** Chest walls meet in the middle: the right breast's frame leans right, the left breast's leans left. */
const leanOf = (image: ImageSummary): string =>
  image.ImageLateralityFinal === "R"
    ? "lean-right"
    : image.ImageLateralityFinal === "L"
      ? "lean-left"
      : "";

function Rois({
  image,
  rois,
  lit,
  mirrored,
}: Pick<FilmProps, "image" | "rois" | "lit"> & { mirrored: boolean }) {
  const { Rows: rows, Columns: columns } = image;
  if (!rows || !columns) return null;
  return (
    <>
      {rois.map((roi) => {
        const box = roiBox(roi, rows, columns, mirrored);
        return (
          <div
            key={roi.n}
            class={`roi level-${roi.match_level ?? "none"} ${lit === roi.n ? "lit" : ""}`}
            data-roi={roi.n}
            style={{
              "--left": `${box.left}%`,
              "--top": `${box.top}%`,
              "--width": `${box.width}%`,
              "--height": `${box.height}%`,
            }}
          >
            {lit === roi.n && <span>ROI {roi.n + 1}</span>}
          </div>
        );
      })}
    </>
  );
}

/** The overlay of the model that is asked, once both are there. */
function Looked({
  asked,
  image,
  mirrored,
}: {
  asked: Asked;
  image: ImageSummary;
  mirrored: boolean;
}) {
  const { model, heat } = asked;
  if (!method.value || !model || heat.data?.imageId !== image.image_id) return null;
  return (
    <HeatLayer
      heat={heat.data}
      model={model}
      image={image}
      mirrored={mirrored}
      opacity={opacity.value}
    />
  );
}

/** The size of the cell in CSS pixels, so that no more is asked for than can be seen. */
function useCell() {
  const cell = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = cell.current;
    if (!element) return;
    const observer = new ResizeObserver(() =>
      setSize({ width: element.clientWidth, height: element.clientHeight }),
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return { cell, size };
}

/** Where the stylesheet puts the frame: as large as the cell allows, leaning to its side. */
function frameIn(size: { width: number; height: number }, ratio: number, lean: string): Area {
  const width = Math.min(size.width, size.height * ratio);
  const room = size.width - width;
  const left = lean === "lean-right" ? room : lean === "lean-left" ? 0 : room / 2;
  return { left, top: (size.height - width / ratio) / 2, width, height: width / ratio };
}

function WindowFilter({ id, live }: { id: string; live: NonNullable<FilmProps["live"]> }) {
  const { slope, intercept } = previewOf(live.from, live.to);
  return (
    <svg width="0" height="0" class="window-filter" aria-hidden="true">
      <filter id={id} color-interpolation-filters="sRGB">
        <feComponentTransfer>
          <feFuncR type="linear" slope={slope} intercept={intercept} />
          <feFuncG type="linear" slope={slope} intercept={intercept} />
          <feFuncB type="linear" slope={slope} intercept={intercept} />
        </feComponentTransfer>
      </filter>
    </svg>
  );
}

/** One picture in its frame, tiles over it where one looks closer, boxes and lengths on it, its name in the corner away from the breast. */
export function Film(props: FilmProps) {
  const { image, live, inverted } = props;
  const { cell, size } = useCell();
  const turned = isMirrored(image);
  const view = turned ? { ...props.view, x: -props.view.x } : props.view;
  const [natural, setNatural] = useState<number | null>(null);
  const ratio = image.Rows && image.Columns ? image.Columns / image.Rows : (natural ?? 0.8);
  const density = Math.min(2, globalThis.devicePixelRatio || 1);
  const url = size.width
    ? renderedUrl(image.image_id, {
        width: size.width * density,
        height: size.height * density,
        window: props.window,
        invert: inverted,
        orient: "chest-wall-left",
        version: props.version,
      })
    : null;
  const { src, mirrored, error } = usePicture(url, image.image_id);
  const filterId = `window-${image.image_id}`;
  const filter = live ? `url(#${filterId})` : "";
  const name = viewName(image.ImageLateralityFinal, image.ViewPosition);
  const lean = leanOf(image);
  const placing = {
    "--ratio": ratio,
    "--scale": view.scale,
    "--x": `${view.x * 100}%`,
    "--y": `${view.y * 100}%`,
  };
  const frame = frameIn(size, ratio, props.leans ? lean : "");
  return (
    <div class={`film ${lean}`} ref={cell} data-image={image.image_id}>
      {live && <WindowFilter id={filterId} live={live} />}
      <div class="frame" style={placing}>
        {src && (
          <img
            class={turned ? "mirrored" : ""}
            src={src}
            alt={`${name}, ${assessmentWords(image.asses)}`}
            draggable={false}
            onLoad={(event) => {
              const { naturalWidth: width, naturalHeight: height } = event.currentTarget;
              setNatural(width / height);
            }}
            style={{ filter }}
          />
        )}
      </div>
      {src && view.scale > DEEP_FROM && (
        <DeepZoom
          imageId={image.image_id}
          version={props.version}
          window={props.window}
          inverted={inverted}
          flipped={mirrored !== turned}
          part={partInSight(size, frame, view)}
          filter={filter}
        />
      )}
      <div class="marks" style={placing}>
        {src && props.asked && <Looked asked={props.asked} image={image} mirrored={turned} />}
        {src && <Rois image={image} rois={props.rois} lit={props.lit} mirrored={turned} />}
        {src && props.measure && <Measured measure={props.measure} image={image} />}
        {src && props.cross && (
          <div
            class="cross"
            style={{ "--left": `${props.cross.x * 100}%`, "--top": `${props.cross.y * 100}%` }}
          />
        )}
      </div>
      {error && (
        <div class="film-missing">
          <p>No picture of this image.</p>
          <p class="faint">{error.message}</p>
        </div>
      )}
      {!src && !error && <div class="film-wait">{name}</div>}
      <div class="film-name">
        <span>{name}</span>
        {image.FinalImageType === "cview" && <span class="faint">C-View</span>}
        {props.note && <span class="film-note">{props.note}</span>}
        <AssessmentMark code={image.asses} />
      </div>
    </div>
  );
}
