/** Which figures one looks at, all of it in the address. */
import { computed } from "@preact/signals";
import type { Grain } from "../../api/types";
import { type Filter, parseFilter } from "../../lib/filter";
import { navigate, query, setParameters, withQuery } from "../../lib/url";

const USUAL = ["asses", "tissueden", "age_at_study", "race", "Manufacturer", "pathology"];
const MOST = 12;

export const filter = computed<Filter>(() => parseFilter(query.value));
export const fields = computed<readonly string[]>(() => {
  const named = query.value.getAll("_field");
  return named.length ? named.slice(0, MOST) : USUAL;
});
export const cross = computed<readonly [string, string]>(() => {
  const [row, column] = (query.value.get("_cross") ?? "").split("~");
  return row && column ? [row, column] : ["tissueden", "asses"];
});
export const grain = computed<Grain>(() => {
  const named = query.value.get("_count");
  return named === "exams" || named === "patients" ? named : "images";
});

export function setFields(next: readonly string[]): void {
  const kept = [...query.value].filter(([key]) => key !== "_field");
  const named = next.map((name): [string, string] => ["_field", name]);
  navigate(withQuery("/statistics", [...kept, ...named]), { replace: true });
}

export function setCross(row: string, column: string): void {
  setParameters({ _cross: `${row}~${column}` }, { replace: true });
}

export function setGrain(next: Grain): void {
  setParameters({ _count: next === "images" ? null : next }, { replace: true });
}
