/** Which facets stand open, remembered on this machine. Only open ones are counted. */
import { signal } from "@preact/signals";
import { OPEN_AT_FIRST } from "./order";

const REMEMBERED = "embedlab.facets";
function remembered(): readonly string[] {
  try {
    const names: unknown = JSON.parse(localStorage.getItem(REMEMBERED) ?? "null");
    return Array.isArray(names) ? names.map(String) : OPEN_AT_FIRST;
  } catch (error) {
    // Someone else's text under our key: begin anew.
    if (error instanceof SyntaxError) return OPEN_AT_FIRST;
    throw error;
  }
}

export const openFacets = signal<ReadonlySet<string>>(new Set(remembered()));

export function setOpen(name: string, open: boolean): void {
  const next = new Set(openFacets.value);
  if (open) next.add(name);
  else next.delete(name);
  openFacets.value = next;
  localStorage.setItem(REMEMBERED, JSON.stringify([...next]));
}
