import { thumbnailUrl } from "../../api/pictures";
import type { ImageSummary } from "../../api/types";
import { isMirrored, readingOrder } from "../../lib/hanging";
import { withQuery } from "../../lib/url";
import { viewName } from "../../lib/vocabulary";
import { carriedParameters } from "./state";

interface Props {
  readonly images: readonly ImageSummary[];
  readonly current: number;
  readonly version: string;
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
              <img
                src={thumbnailUrl(image.image_id, 128, version)}
                alt=""
                data-mirrored={isMirrored(image)}
                onError={(event) => event.currentTarget.classList.add("missing")}
              />
              <span>{name}</span>
              {image.FinalImageType === "cview" && <span class="faint">C-View</span>}
            </a>
          </li>
        );
      })}
    </ul>
  );
}
