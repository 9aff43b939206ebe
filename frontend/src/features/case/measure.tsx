import type { ImageSummary } from "../../api/types";
import { lengthBetween, type Point, type Spacing } from "../../lib/deep";

/** A length being drawn on an image, or drawn; in parts of the picture as one sees it. */
export interface Measure {
  readonly imageId: number;
  readonly from: Point;
  readonly to: Point;
  readonly spacing: Spacing | null;
}

function words(measure: Measure, image: ImageSummary): string {
  const { Rows: rows, Columns: columns } = image;
  if (!rows || !columns) return "";
  const { from, to, spacing } = measure;
  const { pixels, millimetres } = lengthBetween(from, to, rows, columns, spacing);
  if (millimetres === null) return `${Math.round(pixels)} px (no pixel spacing)`;
  const plane = spacing?.plane === "detector" ? " at the detector" : "";
  return `${millimetres.toFixed(1)} mm${plane}`;
}

/** The line and its length. */
export function Measured({ measure, image }: { measure: Measure; image: ImageSummary }) {
  const { from, to } = measure;
  const per = (part: number): string => `${part * 100}%`;
  return (
    <>
      <svg class="measure-line" aria-hidden="true">
        <line x1={per(from.x)} y1={per(from.y)} x2={per(to.x)} y2={per(to.y)} />
      </svg>
      <output class="measure-length" style={{ "--left": per(to.x), "--top": per(to.y) }}>
        {words(measure, image)}
      </output>
    </>
  );
}
