import { computed, signal } from "@preact/signals";
import { type Filter, filterPairs, isFilterKey, parseFilter } from "../../lib/filter";
import { navigate, query, setParameters, withQuery } from "../../lib/url";

export const filter = computed<Filter>(() => parseFilter(query.value));
export const sort = computed(() => query.value.get("sort") ?? "");
/** What stands together in the grid. */
export const GROUPS = ["image", "exam", "patient"] as const;
export type Group = (typeof GROUPS)[number];
export const group = computed<Group>(
  () => GROUPS.find((one) => one === query.value.get("_group")) ?? "image",
);
/** The image in the quick look beside the grid. */
export const lookedAt = computed(() => Number(query.value.get("_look")) || null);

/** The parameters that are not the filter stay as they are; a new filter closes the quick look. */
export function applyFilter(next: Filter): void {
  const kept = [...query.value].filter(([key]) => !isFilterKey(key) && key !== "_look");
  navigate(withQuery("/explore", [...filterPairs(next), ...kept]));
}

export function look(imageId: number | null): void {
  setParameters({ _look: imageId === null ? null : String(imageId) }, { replace: true });
}

/** The address of an image, carrying the search one came from. */
export function imageAddress(imageId: number): string {
  const carried = [...query.value].filter(([key]) => !key.startsWith("_"));
  return withQuery(`/images/${imageId}`, carried);
}

/** The grid goes by faster than a screen a frame: nobody sees a picture, so none is asked for. */
export const flying = signal(false);

/** How wide a tile wants to be, remembered on this machine: it is about the eyes, not about the data. */
export const TILE_SIZES = { min: 112, max: 384, step: 16, start: 176 } as const;
const REMEMBERED = "embedlab.tile";

export function rememberedTile(): number {
  const size = Number(localStorage.getItem(REMEMBERED));
  return size >= TILE_SIZES.min && size <= TILE_SIZES.max ? size : TILE_SIZES.start;
}

export function rememberTile(size: number): void {
  localStorage.setItem(REMEMBERED, String(size));
}
