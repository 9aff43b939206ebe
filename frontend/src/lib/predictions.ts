/** The table of predictions a job leaves: `image_id` or `exam_id`, `label` and `p_<class>` by their names. Pure. */
import type { Job } from "../api/types";
import { plural } from "./format";

export interface Prediction {
  /** As it stands there: exams have more digits than a number keeps. */
  readonly key: string;
  readonly label: string;
  readonly said: string;
  /** Probability of what was said. */
  readonly share: number;
}

/** What a row is of: only images and exams are known to the catalog; the others are places in an array. */
export type Unit = "image" | "exam" | "patch" | "sample";

export interface PredictionTable {
  readonly unit: Unit;
  readonly rows: readonly Prediction[];
}

type SourceKind = Job["spec"]["source"]["kind"];

const PREFIX = "p_";
export const UNITS: Readonly<Record<SourceKind, Unit>> = {
  cohort: "image",
  patches: "patch",
  array: "sample",
};

/** `3 test patches`, `1 exam`; `part` is a split, or nothing. */
export function countOf(n: number, unit: Unit, part = ""): string {
  const one = `${part} ${unit}`.trim();
  return plural(n, one, unit === "patch" ? `${one}es` : `${one}s`);
}

/** Class names may hold commas only between quotes; probabilities and ids never do. */
function cells(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    (match) => match[1]?.replaceAll('""', '"') ?? match[2] ?? "",
  );
}

export function parsePredictions(text: string, source: SourceKind): PredictionTable {
  const [head = "", ...lines] = text.trim().split(/\r?\n/);
  const names = cells(head);
  const classes = names.flatMap((name, index) =>
    name.startsWith(PREFIX) ? [{ name: name.slice(PREFIX.length), index }] : [],
  );
  const exam = names.indexOf("exam_id");
  const unit = exam < 0 ? UNITS[source] : "exam";
  const id = exam < 0 ? names.indexOf("image_id") : exam;
  const label = names.indexOf("label");
  if (id < 0 || label < 0 || classes.length === 0) return { unit, rows: [] };
  const rows = lines.map((line) => {
    const row = cells(line);
    const best = classes
      .map(({ name, index }) => ({ name, share: Number(row[index]) }))
      .reduce((a, b) => (b.share > a.share ? b : a));
    return { key: row[id] ?? "", label: row[label] ?? "", said: best.name, share: best.share };
  });
  return { unit, rows };
}

/** Wrong ones, the surest first: those teach most. */
export function misclassified(predictions: readonly Prediction[]): Prediction[] {
  return predictions.filter((one) => one.said !== one.label).sort((a, b) => b.share - a.share);
}
