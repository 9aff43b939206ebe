import { activeJobs, feed } from "../api/live";
import type { Job } from "../api/types";
import { plural } from "../lib/format";
import { Icon } from "../ui/icon";
import { Menu } from "../ui/menu";
import { Ring } from "../ui/ring";

export function fractionOf(job: Job): number {
  return job.progress?.fraction ?? 0;
}

function TrayJob({ job }: { job: Job }) {
  const { epoch, epochs, phase } = job.progress ?? {};
  const where =
    job.state === "queued"
      ? `queued${job.queue_position ? `, place ${job.queue_position}` : ""}`
      : epoch && epochs
        ? `epoch ${epoch} of ${epochs}`
        : (phase ?? "running");
  return (
    <a class="tray-job" href={`/jobs/${job.job_id}`}>
      <Ring fraction={fractionOf(job)} />
      <span class="grow">
        <span class="name">{job.name || job.experiment}</span>
        <span class="faint">{where}</span>
      </span>
    </a>
  );
}

/** The jobs that run or wait, always one click away. */
export function JobTray() {
  const active = activeJobs.value;
  const first = active.find((job) => job.state === "running") ?? active[0];
  const label = active.length ? `${plural(active.length, "job")} under way` : "No job under way";
  return (
    <Menu
      label={label}
      class="end"
      button={
        <>
          {first ? <Ring fraction={fractionOf(first)} /> : <Icon name="jobs" />}
          {active.length > 0 && <span>{active.length}</span>}
        </>
      }
    >
      <div class="tray">
        {active.length === 0 && <p class="soft">No job is running or waiting.</p>}
        {active.slice(0, 6).map((job) => (
          <TrayJob key={job.job_id} job={job} />
        ))}
        {feed.value === "polling" && (
          <p class="faint">The live stream is down; asking every few seconds.</p>
        )}
        <a href="/jobs">All jobs</a>
      </div>
    </Menu>
  );
}
