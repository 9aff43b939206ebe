import { Fragment } from "preact";
import type { Job, JobState } from "../../api/types";
import { INFLATED, isInflated } from "../../lib/comparing";
import { formatDuration } from "../../lib/format";

const WORDS: Readonly<Record<JobState, string>> = {
  queued: "Queued",
  running: "Running",
  succeeded: "Succeeded",
  failed: "Failed",
  cancelled: "Cancelled",
};

/** The dot has a shape of its own per state, so that colour is never alone; the word stands beside it. */
export function StateDot({ state, word = true }: { state: JobState; word?: boolean }) {
  return (
    <span class={`state state-${state}`}>
      <span class="dot" />
      <span class={word ? "" : "visually-hidden"}>{WORDS[state]}</span>
    </span>
  );
}

/** What must be known of a job before any of its figures is read. */
export function Marks({ job }: { job: Job }) {
  const words = [job.control && "control", isInflated(job) && INFLATED];
  return words
    .filter((one) => typeof one === "string")
    .map((one) => (
      <Fragment key={one}>
        {" "}
        <span class="badge warn">{one}</span>
      </Fragment>
    ));
}

/** When the server expects it to be done, as a clock. */
export function expectedWords(job: Job): string | null {
  const at = job.state === "queued" ? job.expected_start_at : job.expected_end_at;
  if (!at || !(job.state === "queued" || job.state === "running")) return null;
  const clock = new Date(at).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  return job.state === "queued" ? `expected to start about ${clock}` : `done about ${clock}`;
}

/** `epoch 4 of 12`, `queued, place 2`: where a job stands, in words. */
export function progressWords(job: Job): string {
  const { epoch, epochs, phase } = job.progress ?? {};
  if (job.children && phase === "children")
    return `${job.children.ended} of ${job.children.total} jobs ended`;
  if (job.state === "queued")
    return job.queue_position ? `place ${job.queue_position} in the queue` : "in the queue";
  if (job.state !== "running") return "";
  if (job.cancel_requested) return "stopping";
  if (epoch && epochs)
    return `epoch ${epoch} of ${epochs}${phase && phase !== "training" ? `, ${phase}` : ""}`;
  return phase ?? "starting";
}

export function elapsed(job: Job, now: number): string {
  if (!job.started_at) return "–";
  const end = job.finished_at ? Date.parse(job.finished_at) : now;
  return formatDuration((end - Date.parse(job.started_at)) / 1000);
}

/** Seconds left, by the pace of the epochs so far; null before the first. */
export function secondsLeft(job: Job): number | null {
  if (job.state !== "running" || job.epochs.length === 0) return null;
  const total = job.progress?.epochs ?? 0;
  const paces = job.epochs.map((epoch) => epoch.seconds ?? 0);
  const pace = paces.reduce((sum, seconds) => sum + seconds, 0) / paces.length;
  return pace > 0 && total > 0 ? Math.max(0, total - job.epochs.length) * pace : null;
}
