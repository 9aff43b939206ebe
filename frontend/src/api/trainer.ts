import { request, requestAll, requestBytes, requestText } from "./client";
import type {
  Artifact,
  Comparison,
  Experiment,
  Job,
  JobPreview,
  JobRequest,
  LogLine,
  Model,
  Page,
  Predictions,
  Report,
  SplitName,
} from "./types";

export function listExperiments(signal?: AbortSignal): Promise<Page<Experiment>> {
  return request("/api/v1/experiments", { signal });
}

/** `key` makes a repeated submit (a double click, a lost answer) the same job. */
export function submitJob(body: JobRequest, key: string): Promise<Job> {
  return request("/api/v1/jobs", { method: "POST", body, headers: { "Idempotency-Key": key } });
}

/** Scores of a model from elsewhere (CSV): a job that evaluates them on a split of a cohort. */
export function evaluateScores(
  scores: ArrayBuffer,
  wanted: { cohortId: string; split: SplitName; name: string },
): Promise<Job> {
  const { cohortId, split, name } = wanted;
  const query = new URLSearchParams({ cohort_id: cohortId, split, ...(name ? { name } : {}) });
  const body = new Blob([scores], { type: "text/csv" });
  return request(`/api/v1/evaluations?${query}`, { method: "POST", body });
}

/** What submitting would queue, and what it would take; nothing is queued. */
export function previewJob(body: JobRequest, signal?: AbortSignal): Promise<JobPreview> {
  return request("/api/v1/jobs/preview", { method: "POST", body, signal });
}

export function listJobs(cursor?: string, signal?: AbortSignal): Promise<Page<Job>> {
  const query = new URLSearchParams({ limit: "500", ...(cursor ? { cursor } : {}) });
  return request(`/api/v1/jobs?${query}`, { signal });
}

/** The jobs that a job is made of, newest first; a job has at most 100. */
export function listChildren(parentId: string, signal?: AbortSignal): Promise<Page<Job>> {
  const query = new URLSearchParams({ limit: "100", parent: parentId });
  return request(`/api/v1/jobs?${query}`, { signal });
}

const jobPath = (jobId: string): string => `/api/v1/jobs/${encodeURIComponent(jobId)}`;

export function retrieveJob(jobId: string, signal?: AbortSignal): Promise<Job> {
  return request(jobPath(jobId), { signal });
}

export function cancelJob(jobId: string): Promise<Job> {
  return request(`${jobPath(jobId)}/cancel`, { method: "POST" });
}

export function retryJob(jobId: string): Promise<Job> {
  return request(`${jobPath(jobId)}/retry`, { method: "POST" });
}

export function retrieveReport(jobId: string, signal?: AbortSignal): Promise<Report> {
  return request(`${jobPath(jobId)}/report`, { signal });
}

/** Settings that differ, and each job tested against the first. */
export function compareJobs(jobIds: readonly string[], signal?: AbortSignal): Promise<Comparison> {
  const query = new URLSearchParams(jobIds.map((id) => ["ids", id]));
  return request(`/api/v1/jobs/compare?${query}`, { signal });
}

export function listArtifacts(jobId: string, signal?: AbortSignal): Promise<Page<Artifact>> {
  return request(`${jobPath(jobId)}/artifacts`, { signal });
}

export function artifactUrl(jobId: string, name: string): string {
  return `${jobPath(jobId)}/artifacts/${encodeURIComponent(name)}`;
}

/** The last lines that a job said, oldest first. */
export function readLog(jobId: string, signal?: AbortSignal): Promise<Page<LogLine>> {
  return request(`${jobPath(jobId)}/log`, { signal });
}

/** An artifact that is a text: a table. */
export function readArtifact(jobId: string, name: string, signal?: AbortSignal): Promise<string> {
  return requestText(artifactUrl(jobId, name), signal);
}

/** Weights that jobs left, newest first. */
export function listModels(signal?: AbortSignal): Promise<readonly Model[]> {
  return requestAll("/api/v1/models", signal);
}

/** What a model says of one image; `missing` names it where it has no picture. */
export function predictImage(
  modelId: string,
  imageId: number,
  signal?: AbortSignal,
): Promise<Predictions> {
  const body = { image_ids: [imageId] };
  return request(`${jobPath(modelId)}/predict`, { method: "POST", body, signal });
}

/** The map (NumPy, float32) of what a model went by on an image. */
export function explainImage(
  modelId: string,
  imageId: number,
  method: string,
  signal?: AbortSignal,
): Promise<ArrayBuffer> {
  const query = new URLSearchParams({ method, format: "npy" });
  return requestBytes(`${jobPath(modelId)}/explanations/${imageId}?${query}`, signal);
}
