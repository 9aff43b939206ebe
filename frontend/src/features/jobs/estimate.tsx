import { useEffect, useState } from "preact/hooks";
import { previewJob } from "../../api/trainer";
import type { JobRequest } from "../../api/types";
import { formatBytes, plural } from "../../lib/format";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";

/** A number being typed is not worth a question for each of its digits. */
const REST_MS = 350;

/** No more exact than such a guess is. */
const aboutWords = (minutes: number): string =>
  minutes < 90
    ? plural(Math.max(1, Math.ceil(minutes)), "minute")
    : plural(Math.round(minutes / 60), "hour");

/** The text once it has rested. */
function useRested(text: string | null): string | null {
  const [rested, setRested] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setRested(text), REST_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return rested;
}

/** What submitting would take, asked of the server whenever the form has changed and is complete. */
export function EstimateNote({ body }: { body: JobRequest | null }) {
  const rested = useRested(body && JSON.stringify(body));
  const found = useResource(rested === null ? null : `job preview ${rested}`, (aborted) =>
    previewJob(JSON.parse(rested ?? "") as JobRequest, aborted),
  );
  const { data, error } = found;
  if (rested === null)
    return <p class="faint">What it would take is told once the form is complete.</p>;
  if (error && !found.stale) return <ProblemNote error={error} retry={found.reload} />;
  if (!data) return <p class="faint">Asking what it would take.</p>;
  const { estimate, children = [], warnings } = data;
  return (
    <section class="estimate" aria-label="What it takes" aria-busy={found.stale}>
      <dl>
        {children.length > 0 && (
          <div>
            <dt>Made of</dt>
            <dd>{plural(children.length, "job")}</dd>
          </div>
        )}
        <div>
          <dt>Time</dt>
          <dd>about {aboutWords(estimate.minutes)}</dd>
        </div>
        <div>
          <dt>To fetch</dt>
          <dd>{formatBytes(estimate.bytes)}</dd>
        </div>
        <div>
          <dt>Disk</dt>
          <dd>{formatBytes(estimate.disk)}</dd>
        </div>
      </dl>
      <p class="faint small">
        {estimate.basis === "history"
          ? "By earlier jobs of this network and size on this server."
          : "By a table: no job of this network and size has run here yet."}{" "}
        What is cached is not fetched again; time in the queue is not counted.
      </p>
      {warnings.length > 0 && (
        <ul class="note warning" aria-label="Warnings">
          {warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
    </section>
  );
}
