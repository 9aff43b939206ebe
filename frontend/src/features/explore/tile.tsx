import { thumbnailUrl } from "../../api/pictures";
import type { ImageSummary } from "../../api/types";
import { viewName } from "../../lib/vocabulary";
import { AssessmentMark } from "../../ui/assessment";
import { Icon } from "../../ui/icon";
import { usePicture } from "../../ui/picture";
import { imageAddress } from "./state";

interface TileProps {
  readonly image: ImageSummary;
  readonly pixels: number;
  readonly version: string;
  readonly focusable: boolean;
  readonly looked: boolean;
  readonly onFocus: () => void;
}

const MOST_MARKS = 3;

/** The worst first; others beside it, because a filter for one of them found this image. */
function marksOf(image: ImageSummary): readonly string[] {
  const all = image.asses ? [image.asses, ...image.assessments] : image.assessments;
  return [...new Set(all)].slice(0, MOST_MARKS);
}

export function Tile({ image, pixels, version, focusable, looked, onFocus }: TileProps) {
  const url = thumbnailUrl(image.image_id, pixels, version);
  const { src, error } = usePicture(url, image.image_id);
  return (
    <a
      class={`tile ${looked ? "looked" : ""}`}
      href={imageAddress(image.image_id)}
      tabIndex={focusable ? 0 : -1}
      data-image={image.image_id}
      onFocus={onFocus}
    >
      {error && (
        <span class="tile-missing" title={error.message}>
          no pixels here
        </span>
      )}
      {src && <img class="here" src={src} alt="" decoding="async" draggable={false} />}
      {!src && !error && <span class="tile-wait" />}
      <span class="tile-view">
        {viewName(image.ImageLateralityFinal, image.ViewPosition)}
        {image.FinalImageType === "cview" && <span class="tile-kind">C-View</span>}
      </span>
      <span class="tile-marks">
        {(image.num_roi ?? 0) > 0 && (
          <span class="tile-roi" title={`${image.num_roi} ROI`}>
            <Icon name="roi" size={14} />
          </span>
        )}
        {marksOf(image).map((code) => (
          <AssessmentMark key={code} code={code} />
        ))}
      </span>
      <span class="visually-hidden">image {image.image_id}</span>
    </a>
  );
}
