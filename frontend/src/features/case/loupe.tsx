import { renderedUrl } from "../../api/pictures";
import type { ImageSummary } from "../../api/types";
import type { Point } from "../../lib/deep";
import { isMirrored } from "../../lib/hanging";
import type { Window } from "../../lib/window";
import { usePicture } from "../../ui/picture";
import { DeepZoom } from "./deep";

const SIZE = 280;
/** Only its orientation is wanted; the smallest picture tells that. */
const PROBE = 256;

interface LoupeProps {
  readonly image: ImageSummary;
  readonly at: Point;
  readonly x: number;
  readonly y: number;
  readonly version: string;
  readonly window: Window | null;
  readonly inverted: boolean;
}

/** One pixel of the image on one of the screen, around the pointer: for calcifications. */
export function Loupe({ image, at, x, y, version, window: shown, inverted }: LoupeProps) {
  const { Columns: columns, Rows: rows } = image;
  const orient = "chest-wall-left";
  const probe = renderedUrl(image.image_id, { width: PROBE, height: PROBE, orient, version });
  const { src, mirrored } = usePicture(probe, image.image_id);
  if (!columns || !rows || !src) return null;
  const part = (SIZE * (globalThis.devicePixelRatio || 1)) / columns;
  const tall = rows / columns;
  return (
    <div class="loupe" style={{ "--x": `${x}px`, "--y": `${y}px`, "--size": `${SIZE}px` }}>
      <DeepZoom
        imageId={image.image_id}
        version={version}
        window={shown}
        inverted={inverted}
        flipped={mirrored !== isMirrored(image)}
        part={{ x: at.x - part / 2, y: at.y * tall - part / 2, width: part, height: part }}
      />
    </div>
  );
}
