import { request, requestText } from "./client";
import type { Artifact, Comparison, Experiment, Job, JobRequest, Page, Report } from "./types";

export function listExperiments(signal?: AbortSignal): Promise<Page<Experiment>> {
  return request("/api/v1/experiments", { signal });
}

/** `key` makes a repeated submit (a double click, a lost answer) the same job. */
export function submitJob(body: JobRequest, key: string): Promise<Job> {
  return request("/api/v1/jobs", { method: "POST", body, headers: { "Idempotency-Key": key } });
}

export function listJobs(cursor?: string, signal?: AbortSignal): Promise<Page<Job>> {
  const query = new URLSearchParams({ limit: "500", ...(cursor ? { cursor } : {}) });
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

/** An artifact that is a text: a log, a table. */
export function readArtifact(jobId: string, name: string, signal?: AbortSignal): Promise<string> {
  return requestText(artifactUrl(jobId, name), signal);
}
