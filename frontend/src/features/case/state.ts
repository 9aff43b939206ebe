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

/** The model that is asked about the image, by the id of its job. */
export const model = computed(() => query.value.get("_model"));
export const METHODS = [
  { key: "saliency", name: "Gradient saliency" },
  { key: "grad-cam", name: "Grad-CAM" },
  { key: "integrated-gradients", name: "Integrated gradients" },
  { key: "attention", name: "Attention" },
] as const;
export type Method = (typeof METHODS)[number]["key"];
/** How the model explains itself over the picture; null while it does not. */
export const method = computed<Method | null>(
  () => METHODS.find((one) => one.key === query.value.get("_heat"))?.key ?? null,
);
const OPACITY = 60;
/** Of the overlay, in per cent. */
export const opacity = computed(() => {
  const text = query.value.get("_opacity");
  const asked = Number(text);
  return text !== null && asked >= 0 && asked <= 100 ? asked : OPACITY;
});

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

export function setModel(id: string | null): void {
  setParameters({ _model: id, ...(id ? {} : { _heat: null }) }, replace);
}

export function setMethod(next: Method | null): void {
  setParameters({ _heat: next }, replace);
}

export function setOpacity(next: number): void {
  const bounded = Math.min(100, Math.max(0, next));
  setParameters({ _opacity: bounded === OPACITY ? null : String(bounded) }, replace);
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
