/** What one sees of a case, all of it in the address. */
import { computed } from "@preact/signals";
import { query, setParameters } from "../../lib/url";
import { parseWindow, type Window } from "../../lib/window";
import { parseView, type View, viewText } from "../../lib/zoom";

export type Layout = "one" | "four";
export type Tool = "window" | "pan" | "measure";

export const layout = computed<Layout | null>(() => {
  const named = query.value.get("_layout");
  return named === "one" || named === "four" ? named : null;
});
export const chosenWindow = computed<Window | null>(() => parseWindow(query.value.get("_window")));
export const inverted = computed(() => query.value.get("_invert") === "1");
export const roisShown = computed(() => query.value.get("_roi") !== "0");
/** Zoom and pan in the frame with the chest wall on the left, so that both breasts move alike. */
export const view = computed<View>(() => parseView(query.value.get("_view")));
/** The exam that hangs beside this one. */
export const prior = computed(() => query.value.get("_prior"));

const replace = { replace: true };

export function setLayout(next: Layout): void {
  setParameters({ _layout: next, _view: null }, replace);
}

export function setWindow(next: Window | null): void {
  setParameters({ _window: next ? `${next.center},${next.width}` : null }, replace);
}

export function setInverted(next: boolean): void {
  setParameters({ _invert: next ? "1" : null }, replace);
}

export function setRoisShown(next: boolean): void {
  setParameters({ _roi: next ? null : "0" }, replace);
}

export function setView(next: View): void {
  setParameters({ _view: viewText(next) }, replace);
}

export function setPrior(examId: string | null): void {
  setParameters({ _prior: examId }, replace);
}

/** Everything as the file asks for it. */
export function resetView(): void {
  setParameters({ _window: null, _invert: null, _view: null }, replace);
}

/** The parameters that another image of the same search keeps: not its window, which is its own. */
export function carriedParameters(): [string, string][] {
  const own = new Set(["_window", "_view", "_invert", "_prior"]);
  return [...query.value].filter(([key]) => !own.has(key));
}
