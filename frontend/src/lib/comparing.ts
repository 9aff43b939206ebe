/** What differs between jobs, and how they did. Pure. */
import type { Job } from "../api/types";
import { figuresOf } from "./metrics";
import { valueText } from "./schema";

/** What stands beside a job whose patients are on both sides of its split. */
export const INFLATED = "split by image, inflated";

/** Whether the test split, which shares patients with the training, chose the epoch. */
export const isInflated = ({ spec }: Pick<Job, "spec">): boolean =>
  spec.protocol === "published" && !spec.scores && !spec.prediction;

export const protocolWords = ({ spec }: Pick<Job, "spec">): string =>
  spec.protocol === "published" ? "by image, as published" : "by patient";

export interface Difference {
  readonly name: string;
  /** One text a job, in their order. */
  readonly values: readonly string[];
}

/** Settings in which not all jobs agree; what they share would only be noise. */
export function specDifferences(jobs: readonly Job[]): Difference[] {
  const rows: [string, (job: Job) => unknown][] = [
    ["experiment", (job) => job.experiment],
    ["split", protocolWords],
    ["cohort", (job) => job.cohort_id?.slice(0, 8)],
  ];
  const names = new Set(jobs.flatMap((job) => Object.keys(job.spec?.settings ?? {})));
  for (const name of names) {
    rows.push([name, (job) => (job.spec?.settings as Record<string, unknown> | undefined)?.[name]]);
  }
  return rows
    .map(([name, read]) => ({ name, values: jobs.map((job) => valueText(read(job))) }))
    .filter((row) => new Set(row.values).size > 1);
}

export interface Inflation {
  readonly job: Job;
  /** By the name of a figure: how far it stands above the reference. */
  readonly above: ReadonlyMap<string, number>;
}

/** What jobs split by image show beyond the first that is split by patient; null where there are not both. */
export function inflationOf(
  jobs: readonly Job[],
): { reference: Job; rows: readonly Inflation[] } | null {
  const done = jobs.filter((job) => job.metrics);
  const reference = done.find((job) => job.spec.protocol === "patient");
  const published = done.filter(isInflated);
  if (!reference || published.length === 0) return null;
  const base = new Map(figuresOf(reference.metrics?.test).map((one) => [one.name, one.value]));
  const rows = published.map((job) => ({
    job,
    above: new Map(
      figuresOf(job.metrics?.test).flatMap(({ name, value }) => {
        const from = base.get(name);
        return from === undefined ? [] : [[name, value - from] as const];
      }),
    ),
  }));
  return { reference, rows };
}

export const MEASURES = [
  { key: "validation_roc_auc", name: "Validation ROC-AUC", bounded: true },
  { key: "validation_loss", name: "Validation loss", bounded: false },
  { key: "train_loss", name: "Training loss", bounded: false },
  { key: "validation_accuracy", name: "Validation accuracy", bounded: true },
] as const;

export type Measured = (typeof MEASURES)[number]["key"];

export function curvePoints(job: Job, key: Measured): [number, number | null][] {
  return job.epochs.map((epoch) => [epoch.epoch, epoch[key]]);
}
