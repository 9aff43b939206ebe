/** Pointer arithmetic of the viewer: which film, where on its picture. */
import type { Point } from "../../lib/deep";

export interface OnFilm {
  readonly imageId: number;
  /** In parts of the whole picture as one sees it, zoomed or not. */
  readonly at: Point;
  /** The unzoomed frame in pixels, which zooming and panning count in. */
  readonly frame: { readonly width: number; readonly height: number };
  /** From the middle of the unzoomed frame, in parts of it. */
  readonly fromMiddle: Point;
}

/** The film under a place on the screen; null between films. */
export function filmAt(x: number, y: number): OnFilm | null {
  const film = document.elementFromPoint(x, y)?.closest<HTMLElement>("[data-image]");
  const marks = film?.querySelector<HTMLElement>(".marks");
  if (!film || !marks) return null;
  const zoomed = marks.getBoundingClientRect();
  const cell = film.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height, offsetLeft, offsetTop } = marks;
  return {
    imageId: Number(film.dataset.image),
    at: { x: (x - zoomed.left) / zoomed.width, y: (y - zoomed.top) / zoomed.height },
    frame: { width, height },
    fromMiddle: {
      x: (x - cell.left - offsetLeft) / width - 0.5,
      y: (y - cell.top - offsetTop) / height - 0.5,
    },
  };
}

export const isOn = (point: Point): boolean =>
  point.x >= 0 && point.x <= 1 && point.y >= 0 && point.y <= 1;

/** Where a place of a picture is on the screen, from the corner of `box`; null without that film. */
export function placeOn(
  box: HTMLElement,
  imageId: number,
  at: Point,
): { x: number; y: number } | null {
  const marks = box.querySelector(`[data-image="${imageId}"] .marks`)?.getBoundingClientRect();
  if (!marks) return null;
  const corner = box.getBoundingClientRect();
  return {
    x: marks.left - corner.left + at.x * marks.width,
    y: marks.top - corner.top + at.y * marks.height,
  };
}
