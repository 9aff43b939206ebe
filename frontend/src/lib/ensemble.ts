/** Which finished jobs can be averaged: those whose predictions are of the same images. Pure. */
import type { Job } from "../api/types";

export type Trained = Pick<
  Job,
  "job_id" | "name" | "state" | "children" | "expired_at" | "spec" | "created_at"
>;

/** Where an ensemble's pictures lie: a frozen cohort, or an array by its name. */
export interface DataChoice {
  readonly cohort: string;
  readonly array: string;
}

export function isOn(job: Pick<Job, "spec">, data: DataChoice): boolean {
  const { source } = job.spec;
  return source.kind === "cohort" ? source.cohort_id === data.cohort : source.name === data.array;
}

/** Only k-fold deals the test split anew; everything else keeps that of its source. */
function testedOn({ spec }: Pick<Job, "spec">): string {
  const fold = spec.fold?.method === "k-fold" ? spec.fold : null;
  return JSON.stringify([spec.source, fold, spec.protocol, spec.settings.permute_labels]);
}

/** Why a job cannot be averaged with `first`, as the server would say; null where it can. */
export function cannotJoin(job: Trained, first: Trained | undefined): string | null {
  if (job.state !== "succeeded") return `it is ${job.state}`;
  if (job.children) return "it is made of jobs itself";
  if (job.spec.scores || job.spec.prediction) return "it trained nothing";
  if (job.expired_at) return "its predictions were let go, being old";
  if (first && first.job_id !== job.job_id && testedOn(job) !== testedOn(first))
    return `it was tested on other images than ${first.name}`;
  return null;
}
