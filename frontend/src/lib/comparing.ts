/** What differs between jobs, and how they did. Pure. */
import type { Job } from "../api/types";
import { valueText } from "./schema";

export interface Difference {
  readonly name: string;
  /** One text a job, in their order. */
  readonly values: readonly string[];
}

/** Settings in which not all jobs agree; what they share would only be noise. */
export function specDifferences(jobs: readonly Job[]): Difference[] {
  const rows: [string, (job: Job) => unknown][] = [
    ["experiment", (job) => job.experiment],
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
