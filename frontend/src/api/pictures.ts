/** Addresses of pictures. They are same-origin, so the browser sends the session's cookie itself. */
import type { Window } from "../lib/window";

export type Orientation = "as-stored" | "chest-wall-left";

/** Few sizes, so that the cache of the server and of the browser are met again. */
const THUMBNAIL_SIZES = [128, 192, 256, 384, 512] as const;
const RENDERED_STEP = 256;

export function thumbnailSize(pixels: number): number {
  return THUMBNAIL_SIZES.find((size) => size >= pixels) ?? 512;
}

export function thumbnailUrl(imageId: number, pixels: number, version: string): string {
  const query = new URLSearchParams({ size: String(thumbnailSize(pixels)), v: version });
  return `/api/v1/images/${imageId}/thumbnail?${query}`;
}

export interface Rendering {
  readonly width: number;
  readonly height: number;
  readonly window?: Window | null;
  readonly invert?: boolean;
  readonly orient: Orientation;
  readonly version: string;
}

const roundUp = (n: number): number =>
  Math.max(RENDERED_STEP, Math.ceil(n / RENDERED_STEP) * RENDERED_STEP);

export function renderedUrl(imageId: number, rendering: Rendering): string {
  const query = new URLSearchParams({
    viewport: `${roundUp(rendering.width)},${roundUp(rendering.height)}`,
    orient: rendering.orient,
    format: "jpeg",
    quality: "90",
  });
  if (rendering.window) query.set("window", `${rendering.window.center},${rendering.window.width}`);
  if (rendering.invert) query.set("invert", "true");
  query.set("v", rendering.version);
  return `/api/v1/images/${imageId}/rendered?${query}`;
}

export function iiifInfoUrl(imageId: number, version: string): string {
  return `/iiif/3/${imageId}/info.json?${new URLSearchParams({ v: version })}`;
}

/** What a tile is asked for beyond its place, so that it looks as the picture under it. */
export function tileQuery(rendering: Pick<Rendering, "window" | "invert" | "version">): string {
  const query = new URLSearchParams({ v: rendering.version });
  if (rendering.window) query.set("window", `${rendering.window.center},${rendering.window.width}`);
  if (rendering.invert) query.set("invert", "true");
  return query.toString();
}
