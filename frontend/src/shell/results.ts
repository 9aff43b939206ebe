/**
 * The images found, page by page, as one list. It outlives the page that shows it: going into a case and back finds the
 * grid as it was, and the case steps to the next image of the same search.
 */
import { effect, signal } from "@preact/signals";
import { searchImages } from "../api/catalog";
import { isAbort, reachable, UnreachableError } from "../api/client";
import type { ImageSummary } from "../api/types";
import { type Filter, filterPairs } from "../lib/filter";

export interface Search {
  readonly dataset: string;
  readonly filter: Filter;
  readonly sort: string;
}

export interface Results {
  readonly key: string;
  readonly items: readonly ImageSummary[];
  readonly total: number | null;
  readonly next: string | null;
  readonly pending: boolean;
  readonly error: Error | null;
}

const EMPTY: Results = { key: "", items: [], total: null, next: null, pending: false, error: null };
const FIRST_PAGE = 100;
const NEXT_PAGE = 1000;

export const results = signal<Results>(EMPTY);
/** Where the grid was scrolled to, for the way back. */
export const scrollMemory = { key: "", top: 0 };

let search: Search | null = null;
let control = new AbortController();

export function keyOf(one: Search): string {
  return JSON.stringify([one.dataset, one.sort, filterPairs(one.filter)]);
}

/** Begins the search unless it is the one at hand. The images found before stay until the new ones come. */
export function startSearch(wanted: Search): void {
  const key = keyOf(wanted);
  if (results.value.key === key && !results.value.error) return;
  control.abort();
  control = new AbortController();
  search = wanted;
  // The former cursor belongs to the former search.
  results.value = { ...results.value, key, next: null, pending: true, error: null };
  void loadPage(wanted, key, undefined, FIRST_PAGE, control.signal);
}

export function loadMore(): void {
  const { pending, next, key, error } = results.value;
  if (pending || error || !next || !search) return;
  results.value = { ...results.value, pending: true };
  void loadPage(search, key, next, NEXT_PAGE, control.signal);
}

export function retrySearch(): void {
  const wanted = search;
  if (!wanted) return;
  if (results.value.next && results.value.items.length) {
    results.value = { ...results.value, error: null };
    loadMore();
  } else startSearch(wanted);
}

// What failed because nobody answered is asked again when somebody does.
effect(() => {
  if (reachable.value && results.peek().error instanceof UnreachableError) retrySearch();
});

async function loadPage(
  wanted: Search,
  key: string,
  cursor: string | undefined,
  limit: number,
  aborted: AbortSignal,
): Promise<void> {
  try {
    const page = await searchImages(
      { ...wanted, sort: wanted.sort || undefined, cursor, limit },
      aborted,
    );
    if (results.value.key !== key) return;
    const items = cursor ? [...results.value.items, ...page.items] : page.items;
    results.value = {
      key,
      items,
      total: page.total,
      next: page.next ?? null,
      pending: false,
      error: null,
    };
  } catch (error) {
    if (isAbort(error) || results.value.key !== key) return;
    const reason = error instanceof Error ? error : new Error(String(error));
    results.value = { ...results.value, pending: false, error: reason };
  }
}

export interface Neighbours {
  /** Place in the list from 0; -1 where the image is not in it. */
  readonly place: number;
  readonly previous: ImageSummary | null;
  readonly next: ImageSummary | null;
}

/** The neighbours of an image in the list, as far as it is loaded. */
export function neighboursOf(imageId: number): Neighbours {
  const { items } = results.value;
  const place = items.findIndex((item) => item.image_id === imageId);
  if (place < 0) return { place, previous: null, next: null };
  return { place, previous: items[place - 1] ?? null, next: items[place + 1] ?? null };
}
