import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { request } from "../../api/client";
import { renderedUrl } from "../../api/pictures";
import type { ImageSummary, RoiRecord } from "../../api/types";
import { isMirrored, roiBox } from "../../lib/hanging";
import { assessmentWords, viewName } from "../../lib/vocabulary";
import { previewOf, type Window } from "../../lib/window";
import type { View } from "../../lib/zoom";
import { AssessmentMark } from "../../ui/assessment";

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
  readonly view: View;
  readonly onRatio?: (ratio: number) => void;
}

/** Chest walls meet in the middle: the right breast's frame leans right, the left breast's leans left. */
const leanOf = (image: ImageSummary): string =>
  image.ImageLateralityFinal === "R"
    ? "lean-right"
    : image.ImageLateralityFinal === "L"
      ? "lean-left"
      : "";

/** Why there is no picture: the picture's own address answers with a problem that an <img> cannot read. */
function usePictureProblem(url: string, failed: boolean): string | null {
  const [text, setText] = useState<string | null>(null);
  useEffect(() => {
    setText(null);
    if (!failed) return;
    const control = new AbortController();
    request(url, { signal: control.signal }).catch((error: unknown) => {
      if (!control.signal.aborted) setText(error instanceof Error ? error.message : String(error));
    });
    return () => control.abort();
  }, [url, failed]);
  return text;
}

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
            class={`roi ${lit === roi.n ? "lit" : ""}`}
            title={`ROI ${roi.n}`}
            data-roi={roi.n}
            style={{
              "--left": `${box.left}%`,
              "--top": `${box.top}%`,
              "--width": `${box.width}%`,
              "--height": `${box.height}%`,
            }}
          />
        );
      })}
    </>
  );
}

/** The size of the cell in device pixels, so that no more is asked for than can be seen. */
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

/** One picture in its frame, its ROI boxes on it and its name in the corner away from the breast. */
export function Film(props: FilmProps) {
  const { image, view, live, inverted } = props;
  const { cell, size } = useCell();
  const mirrored = isMirrored(image);
  const [shown, setShown] = useState<string | null>(null);
  const [failed, setFailed] = useState(false);
  const [natural, setNatural] = useState<number | null>(null);
  const ratio = image.Rows && image.Columns ? image.Columns / image.Rows : (natural ?? 0.8);
  const density = Math.min(2, globalThis.devicePixelRatio || 1) * Math.min(6, view.scale);
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
  const problem = usePictureProblem(url ?? "", failed && url !== null);

  useEffect(() => {
    if (!url) return;
    let current = true;
    const next = new Image();
    next.src = url;
    next.decode().then(
      () => {
        if (!current) return;
        setNatural(next.naturalWidth / next.naturalHeight);
        setFailed(false);
        setShown(url);
      },
      () => current && setFailed(true),
    );
    return () => {
      current = false;
      next.src = "";
    };
  }, [url]);
  useEffect(() => {
    setShown(null);
    setFailed(false);
  }, [image.image_id]);

  const preview = live ? previewOf(live.from, live.to) : null;
  const filterId = `window-${image.image_id}`;
  const name = viewName(image.ImageLateralityFinal, image.ViewPosition);
  return (
    <div class={`film ${leanOf(image)}`} ref={cell} data-image={image.image_id}>
      <div
        class="frame"
        style={{
          "--ratio": ratio,
          "--scale": view.scale,
          "--x": `${view.x * 100}%`,
          "--y": `${view.y * 100}%`,
        }}
      >
        {preview && (
          <svg width="0" height="0" class="window-filter" aria-hidden="true">
            <filter id={filterId} color-interpolation-filters="sRGB">
              <feComponentTransfer>
                <feFuncR type="linear" slope={preview.slope} intercept={preview.intercept} />
                <feFuncG type="linear" slope={preview.slope} intercept={preview.intercept} />
                <feFuncB type="linear" slope={preview.slope} intercept={preview.intercept} />
              </feComponentTransfer>
            </filter>
          </svg>
        )}
        {shown && !failed && (
          <img
            class={mirrored ? "mirrored" : ""}
            src={shown}
            alt={`${name}, ${assessmentWords(image.asses)}`}
            draggable={false}
            style={{ filter: preview ? `url(#${filterId})` : "" }}
          />
        )}
        {shown && !failed && (
          <Rois image={image} rois={props.rois} lit={props.lit} mirrored={mirrored} />
        )}
      </div>
      {failed && (
        <div class="film-missing">
          <p>No picture of this image.</p>
          {problem && <p class="faint">{problem}</p>}
        </div>
      )}
      {!shown && !failed && <div class="film-wait">{name}</div>}
      <div class="film-name">
        <span>{name}</span>
        {image.FinalImageType === "cview" && <span class="faint">C-View</span>}
        <AssessmentMark code={image.asses} />
      </div>
    </div>
  );
}
