/** Which dataset one works on: the address says it; without a word there, the one used last, else the largest. */
import { computed, signal } from "@preact/signals";
import { listDatasets } from "../api/catalog";
import type { Dataset } from "../api/types";
import { query, setParameters } from "../lib/url";

const REMEMBERED = "embedlab.dataset";

export const datasets = signal<readonly Dataset[] | null>(null);
export const datasetsError = signal<Error | null>(null);

const size = (dataset: Dataset): number => dataset.revision?.counts.images ?? 0;

const fallback = computed(() => {
  const all = datasets.value ?? [];
  const remembered = localStorage.getItem(REMEMBERED);
  const largest = [...all].sort((a, b) => size(b) - size(a))[0];
  return all.find((one) => one.name === remembered) ?? largest ?? null;
});

/** A page that shows a record of another dataset says so here. */
export const shownDataset = signal<string | null>(null);

export const dataset = computed<Dataset | null>(() => {
  const named = shownDataset.value ?? query.value.get("dataset");
  return datasets.value?.find((one) => one.name === named) ?? fallback.value;
});

/** Part of every picture's address, so that it may be kept for ever. */
export const pictureVersion = computed(() => String(dataset.value?.revision?.revision_id ?? "0"));

export function versionOf(name: string): string {
  const known = datasets.value?.find((one) => one.name === name);
  return String(known?.revision?.revision_id ?? "0");
}

export async function loadDatasets(): Promise<void> {
  try {
    datasets.value = (await listDatasets()).items;
    datasetsError.value = null;
  } catch (error) {
    datasetsError.value = error instanceof Error ? error : new Error(String(error));
  }
}

export function rememberDataset(name: string): void {
  localStorage.setItem(REMEMBERED, name);
  setParameters({ dataset: name });
}
