/**
 * Every job of this person, kept fresh: one event stream for the whole page, because a browser allows six connections.
 * While the stream is down the list is polled; when it comes back, what was missed is read once.
 */
import { computed, signal } from "@preact/signals";
import { isAbort } from "./client";
import { listJobs, retrieveJob } from "./trainer";
import type { Job } from "./types";

export const jobs = signal<ReadonlyMap<string, Job>>(new Map());
export const jobsLoaded = signal(false);
export const jobsError = signal<Error | null>(null);
/** How the list is kept fresh at the moment. */
export const feed = signal<"off" | "live" | "polling">("off");

const POLL_MS = 3_000;
const RETRY_MS = [1_000, 2_000, 5_000, 10_000, 20_000] as const;

export const jobList = computed(() =>
  [...jobs.value.values()].sort((a, b) => b.created_at.localeCompare(a.created_at)),
);
export const activeJobs = computed(() => jobList.value.filter(isActive));

export function isActive(job: Job): boolean {
  return job.state === "queued" || job.state === "running";
}

/** An event may leave out what a list row does not need; what is known already stays. */
export function putJob(job: Job): void {
  const known = jobs.value.get(job.job_id);
  jobs.value = new Map(jobs.value).set(job.job_id, { ...known, ...job });
}

let source: EventSource | null = null;
let failures = 0;
let retry: ReturnType<typeof setTimeout> | undefined;
let poll: ReturnType<typeof setInterval> | undefined;

export function watchJobs(): () => void {
  open();
  return stop;
}

function open(): void {
  source?.close();
  source = new EventSource("/api/v1/jobs/events");
  source.addEventListener("open", onOpen);
  source.addEventListener("error", onError);
  source.addEventListener("job", (event) => putJob(JSON.parse(event.data) as Job));
  void refresh();
}

function onOpen(): void {
  if (failures > 0) void refresh();
  failures = 0;
  feed.value = "live";
  clearInterval(poll);
  poll = undefined;
}

function onError(): void {
  failures += 1;
  feed.value = "polling";
  poll ??= setInterval(() => void refresh(), POLL_MS);
  // A closed source never comes back by itself (it met an HTTP error); an open one reconnects.
  if (source?.readyState !== EventSource.CLOSED) return;
  clearTimeout(retry);
  retry = setTimeout(open, RETRY_MS[Math.min(failures, RETRY_MS.length) - 1] ?? 20_000);
}

function stop(): void {
  source?.close();
  source = null;
  clearTimeout(retry);
  clearInterval(poll);
  poll = undefined;
  feed.value = "off";
}

export async function refresh(): Promise<void> {
  try {
    const page = await listJobs();
    const next = new Map(jobs.value);
    for (const job of page.items) next.set(job.job_id, { ...next.get(job.job_id), ...job });
    jobs.value = next;
    jobsError.value = null;
  } catch (error) {
    if (!isAbort(error))
      jobsError.value = error instanceof Error ? error : new Error(String(error));
  }
  jobsLoaded.value = true;
}

/** The whole job, for its own page. */
export async function loadJob(jobId: string, aborted?: AbortSignal): Promise<Job> {
  const job = await retrieveJob(jobId, aborted);
  putJob(job);
  return job;
}
