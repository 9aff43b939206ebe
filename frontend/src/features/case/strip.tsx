import { thumbnailUrl } from "../../api/pictures";
import type { ImageSummary } from "../../api/types";
import { readingOrder } from "../../lib/hanging";
import { withQuery } from "../../lib/url";
import { viewName } from "../../lib/vocabulary";
import { usePicture } from "../../ui/picture";
import { carriedParameters } from "./state";

interface Props {
  readonly images: readonly ImageSummary[];
  readonly current: number;
  readonly version: string;
}

function Thumbnail({ image, version }: { image: ImageSummary; version: string }) {
  const { src } = usePicture(thumbnailUrl(image.image_id, 128, version), image.image_id);
  return src ? <img src={src} alt="" /> : <span class="strip-wait" />;
}

/** All images of the exam in reading order. */
export function ExamStrip({ images, current, version }: Props) {
  const query = carriedParameters();
  return (
    <ul class="strip" aria-label="Images of this exam">
      {readingOrder(images).map((image) => {
        const name = viewName(image.ImageLateralityFinal, image.ViewPosition);
        const here = image.image_id === current;
        return (
          <li key={image.image_id}>
            <a
              href={withQuery(`/images/${image.image_id}`, query)}
              title={`${name}${image.FinalImageType === "cview" ? ", C-View" : ""}`}
              {...(here ? { "aria-current": "true" as const } : {})}
            >
              <Thumbnail image={image} version={version} />
              <span>{name}</span>
              {image.FinalImageType === "cview" && <span class="faint">C-View</span>}
            </a>
          </li>
        );
      })}
    </ul>
  );
}
