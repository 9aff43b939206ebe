import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { renderedUrl } from "../../api/pictures";
import type { ImageSummary, RoiRecord } from "../../api/types";
import { isMirrored, roiBox } from "../../lib/hanging";
import { assessmentWords, viewName } from "../../lib/vocabulary";
import { previewOf, type Window } from "../../lib/window";
import type { View } from "../../lib/zoom";
import { AssessmentMark } from "../../ui/assessment";
import { usePicture } from "../../ui/picture";

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
            title={`ROI ${roi.n + 1}`}
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
  const { src, error } = usePicture(url, image.image_id);
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
        {src && (
          <img
            class={mirrored ? "mirrored" : ""}
            src={src}
            alt={`${name}, ${assessmentWords(image.asses)}`}
            draggable={false}
            onLoad={(event) => {
              const { naturalWidth: width, naturalHeight: height } = event.currentTarget;
              setNatural(width / height);
            }}
            style={{ filter: preview ? `url(#${filterId})` : "" }}
          />
        )}
        {src && <Rois image={image} rois={props.rois} lit={props.lit} mirrored={mirrored} />}
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
        <AssessmentMark code={image.asses} />
      </div>
    </div>
  );
}
