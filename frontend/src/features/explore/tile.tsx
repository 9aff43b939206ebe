import { retrieveImage } from "../../api/catalog";
import { UnreachableError } from "../../api/client";
import { thumbnailUrl } from "../../api/pictures";
import type { ImageSummary } from "../../api/types";
import { viewName } from "../../lib/vocabulary";
import { AssessmentMark } from "../../ui/assessment";
import { Icon } from "../../ui/icon";
import { usePicture } from "../../ui/picture";
import { prefetch } from "../../ui/resource";
import { flying, imageAddress } from "./state";

interface TileProps {
  readonly image: ImageSummary;
  readonly pixels: number;
  readonly version: string;
  readonly focusable: boolean;
  readonly looked: boolean;
  readonly picked: boolean;
  readonly onFocus: () => void;
  /** `through`: all from the last picked one to this. */
  readonly onPick: (through: boolean) => void;
}

const MOST_MARKS = 3;

/** The worst first; others beside it, because a filter for one of them found this image. */
function marksOf(image: ImageSummary): readonly string[] {
  const all = image.asses ? [image.asses, ...image.assessments] : image.assessments;
  return [...new Set(all)].slice(0, MOST_MARKS);
}

export function Tile(props: TileProps) {
  const { image, pixels, version, focusable, looked, picked } = props;
  const url = thumbnailUrl(image.image_id, pixels, version);
  const { src, error } = usePicture(flying.value ? null : url, image.image_id);
  return (
    <a
      class={`tile ${looked ? "looked" : ""} ${picked ? "picked" : ""}`}
      href={imageAddress(image.image_id)}
      tabIndex={focusable ? 0 : -1}
      data-image={image.image_id}
      aria-describedby={picked ? `picked-${image.image_id}` : undefined}
      onFocus={props.onFocus}
      onPointerEnter={() =>
        prefetch(`image ${image.image_id}`, () => retrieveImage(image.image_id))
      }
      onClick={(event) => {
        // As in any list: with a modifier a click picks. A plain one opens.
        if (!(event.ctrlKey || event.metaKey || event.shiftKey)) return;
        event.preventDefault();
        props.onPick(event.shiftKey);
      }}
    >
      {picked && (
        <span class="tile-picked" id={`picked-${image.image_id}`}>
          <Icon name="check" size={12} />
          <span class="visually-hidden">selected</span>
        </span>
      )}
      {error && (
        <span class="tile-missing" title={error.message}>
          {error instanceof UnreachableError ? "not loaded" : "no pixels here"}
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
