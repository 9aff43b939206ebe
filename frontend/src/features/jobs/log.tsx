import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { isActive } from "../../api/live";
import { readLog } from "../../api/trainer";
import type { Job, LogLine } from "../../api/types";
import { plural } from "../../lib/format";
import { CopyButton } from "../../ui/copy";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";

/** How near to its end the log follows what is added, in pixels. */
const AT_END = 24;
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

/** Whatever adds a line changes the job as well, and the job is told live. */
const version = (job: Job): string =>
  [
    job.state,
    job.attempts,
    job.epochs.length,
    job.progress.phase,
    Math.floor(job.progress.fraction * 100),
    job.waiting,
    job.cancel_requested,
  ].join(" ");

const asText = (lines: readonly LogLine[]): string =>
  lines.map(({ at, level, text }) => `${at}\t${level}\t${text}\n`).join("");

function Lines({ lines }: { lines: readonly LogLine[] }) {
  const box = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const last = lines.at(-1)?.line_id;
  useLayoutEffect(() => {
    if (last !== undefined && follows.current && box.current)
      box.current.scrollTop = box.current.scrollHeight;
  }, [last]);
  return (
    <div
      ref={box}
      class="log"
      role="log"
      aria-label="What the job said"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
      tabIndex={0}
      onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
        follows.current = scrollHeight - scrollTop - clientHeight < AT_END;
      }}
    >
      {lines.map(({ line_id, at, level, text }) => (
        <p key={line_id} class={level}>
          <time dateTime={at} title={at}>
            {clock.format(new Date(at))}
          </time>
          <span>{text}</span>
        </p>
      ))}
    </div>
  );
}

/** What the job said, live: it stays where one reads, and follows where one is at its end. */
export function Log({ job }: { job: Job }) {
  const [open, setOpen] = useState(isActive(job) || job.state === "failed");
  const key = open ? `log ${job.job_id} ${version(job)}` : null;
  const log = useResource(key, (aborted) => readLog(job.job_id, aborted));
  const lines = log.data?.items ?? [];
  return (
    <details
      class="fold log-fold"
      open={open}
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary>
        <h2>Log</h2>
      </summary>
      {log.error && <ProblemNote error={log.error} retry={log.reload} />}
      {log.data && lines.length === 0 && (
        <p class="soft">Nothing yet: the first line comes when a worker takes the job.</p>
      )}
      {lines.length > 0 && (
        <>
          <Lines lines={lines} />
          <p class="row faint">
            <span class="grow">
              {log.data?.total === 500 ? "The last 500 lines" : plural(lines.length, "line")}
            </span>
            <CopyButton text={asText(lines)} label="log" />
          </p>
        </>
      )}
    </details>
  );
}
