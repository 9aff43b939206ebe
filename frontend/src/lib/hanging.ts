/**
 * The four-view hanging protocol: RCC LCC over RMLO LMLO, chest walls back to back.
 *
 * The right breast hangs on the left of the screen with its chest wall on its right edge, the left breast
 * mirrors it. Pictures are asked for with the chest wall on the left (`orient=chest-wall-left`), because EMBED's files are
 * stored either way round; a right breast is then mirrored by the page.
 */

export interface HangingImage {
  readonly image_id: number;
  readonly ImageLateralityFinal?: string | null | undefined;
  readonly ViewPosition?: string | null | undefined;
  readonly FinalImageType?: string | null | undefined;
}

export type Slot = "RCC" | "LCC" | "RMLO" | "LMLO";
export const SLOTS: readonly Slot[] = ["RCC", "LCC", "RMLO", "LMLO"];

export function slotOf(image: HangingImage): Slot | null {
  const name = `${image.ImageLateralityFinal ?? ""}${image.ViewPosition ?? ""}`;
  return SLOTS.find((slot) => slot === name) ?? null;
}

/** A right breast is mirrored after it was asked for with its chest wall on the left. */
export function isMirrored(image: HangingImage): boolean {
  return image.ImageLateralityFinal === "R";
}

/**
 * Which image hangs in which slot. The current image keeps its slot; the others prefer its kind (2D beside 2D,
 * C-View beside C-View), then the lower image_id, which is the first of repeated views.
 */
export function hangExam<T extends HangingImage>(current: T, siblings: readonly T[]): Map<Slot, T> {
  const kind = current.FinalImageType ?? "2D";
  const others = siblings
    .filter((image) => image.image_id !== current.image_id)
    .sort((a, b) => preference(a, kind) - preference(b, kind) || a.image_id - b.image_id);
  const hung = new Map<Slot, T>();
  for (const image of [current, ...others]) {
    const slot = slotOf(image);
    if (slot && !hung.has(slot)) hung.set(slot, image);
  }
  return hung;
}

const preference = (image: HangingImage, kind: string): number =>
  (image.FinalImageType ?? "2D") === kind ? 0 : 1;

/** Every image of the exam in the order one reads them: hanging order first, then other views. */
export function readingOrder<T extends HangingImage>(images: readonly T[]): T[] {
  const rank = (image: T): number => {
    const slot = slotOf(image);
    return (
      (slot ? SLOTS.indexOf(slot) : SLOTS.length) + (image.FinalImageType === "cview" ? 10 : 0)
    );
  };
  return [...images].sort((a, b) => rank(a) - rank(b) || a.image_id - b.image_id);
}

/** A region of interest of EMBED: chest-wall-left frame, pixels of the full-size image. */
export interface Roi {
  readonly ymin: number;
  readonly xmin: number;
  readonly ymax: number;
  readonly xmax: number;
}

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The box in per cent of the picture shown. Mirroring turns x into W - x. */
export function roiBox(roi: Roi, rows: number, columns: number, mirrored: boolean): Box {
  const left = mirrored ? columns - roi.xmax : roi.xmin;
  return {
    left: (left / columns) * 100,
    top: (roi.ymin / rows) * 100,
    width: ((roi.xmax - roi.xmin) / columns) * 100,
    height: ((roi.ymax - roi.ymin) / rows) * 100,
  };
}
