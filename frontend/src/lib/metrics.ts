/** Figures of a finished job, in the order a reader wants them. */
import type { Interval, Metrics } from "../api/types";
import { capitalise, formatFigure } from "./format";

export interface Figure {
  readonly name: string;
  readonly label: string;
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
}

const LABELS: Readonly<Record<string, string>> = {
  roc_auc: "ROC-AUC",
  accuracy: "Accuracy",
  balanced_accuracy: "Balanced accuracy",
  sensitivity_at_90_specificity: "Sensitivity at 90 % specificity",
  specificity_at_90_sensitivity: "Specificity at 90 % sensitivity",
  sensitivity: "Sensitivity",
  specificity: "Specificity",
  f1: "F1",
  average_precision: "Average precision",
  pr_auc: "PR-AUC",
  brier: "Brier score",
  ece: "Expected calibration error",
  log_loss: "Log loss",
};
const ORDER = Object.keys(LABELS);
const COUNTS = new Set(["n", "patients", "images"]);

export function figureLabel(name: string): string {
  return LABELS[name] ?? capitalise(name.replaceAll("_", " "));
}

function asInterval(value: unknown): Omit<Figure, "name" | "label"> | null {
  if (typeof value === "number") return { value, low: null, high: null };
  if (typeof value !== "object" || value === null || !("value" in value)) return null;
  const { value: point, low, high } = value as Partial<Interval>;
  if (typeof point !== "number") return null;
  return { value: point, low: low ?? null, high: high ?? null };
}

/** `0.812 (0.741 to 0.880)` */
export function within({ value, low, high }: Interval): string {
  return value === null
    ? "–"
    : `${formatFigure(value)} (${formatFigure(low)} to ${formatFigure(high)})`;
}

function rank(name: string): number {
  const place = ORDER.indexOf(name);
  return place < 0 ? ORDER.length : place;
}

/** Recall stands per class: `Recall of K`. */
function recalls(raw: unknown): [string, unknown][] {
  if (typeof raw !== "object" || raw === null) return [];
  return Object.entries(raw).map(([name, value]) => [`Recall of ${name}`, value]);
}

/** Figures of the test split, or of a baseline, which has the same shape. */
export function figuresOf(summary: Readonly<Record<string, unknown>> | null | undefined): Figure[] {
  const { recall, ...others } = summary ?? {};
  const plain = Object.entries(others)
    .filter(([name]) => !COUNTS.has(name))
    .sort(([a], [b]) => rank(a) - rank(b));
  return [...plain, ...recalls(recall)].flatMap(([name, raw]): Figure[] => {
    const interval = asInterval(raw);
    return interval ? [{ name, label: figureLabel(name), ...interval }] : [];
  });
}

export function testCount(
  metrics: Metrics | null | undefined,
  name: "n" | "patients",
): number | null {
  const value = metrics?.test?.[name];
  return typeof value === "number" ? value : null;
}
