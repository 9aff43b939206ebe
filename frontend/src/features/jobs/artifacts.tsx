import { artifactUrl, listArtifacts, readArtifact } from "../../api/trainer";
import type { Artifact, Job } from "../../api/types";
import { formatBytes } from "../../lib/format";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";

const isLog = (artifact: Artifact): boolean =>
  /\.(log|txt)$/.test(artifact.name) || artifact.name === "log";
const TAIL_LINES = 200;

async function readTail(jobId: string, name: string, aborted: AbortSignal): Promise<string> {
  return (await readArtifact(jobId, name, aborted))
    .trimEnd()
    .split("\n")
    .slice(-TAIL_LINES)
    .join("\n");
}

function Log({ job, name }: { job: Job; name: string }) {
  // Every epoch adds lines, so every epoch reads again.
  const key = `${job.job_id} ${job.state} ${job.epochs.length}`;
  const tail = useResource(key, (aborted) => readTail(job.job_id, name, aborted));
  if (tail.error) return <ProblemNote error={tail.error} retry={tail.reload} />;
  return tail.data ? <pre class="log">{tail.data}</pre> : null;
}

/** What the job left: its log and its files with their hashes. */
export function Artifacts({ job }: { job: Job }) {
  const key = `artifacts ${job.job_id} ${job.state} ${job.epochs.length > 0}`;
  const files = useResource(
    key,
    async (aborted) => (await listArtifacts(job.job_id, aborted)).items,
  );
  if (files.error) return <ProblemNote error={files.error} retry={files.reload} />;
  const items = files.data ?? [];
  const log = items.find(isLog);
  return (
    <>
      {log && (
        <section class="stack">
          <h2>Log</h2>
          <Log job={job} name={log.name} />
        </section>
      )}
      {items.length > 0 && (
        <section class="stack">
          <h2>Files</h2>
          <div class="table-scroll">
            <table class="table">
              <thead>
                <tr>
                  <th scope="col">Name</th>
                  <th scope="col" class="number">
                    Size
                  </th>
                  <th scope="col">sha256</th>
                </tr>
              </thead>
              <tbody>
                {items.map((artifact) => (
                  <tr key={artifact.name}>
                    <td>
                      <a href={artifactUrl(job.job_id, artifact.name)} download={artifact.name}>
                        {artifact.name}
                      </a>
                    </td>
                    <td class="number">{formatBytes(artifact.bytes)}</td>
                    <td class="mono faint" title={artifact.sha256}>
                      {artifact.sha256.slice(0, 16)}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
      )}
    </>
  );
}
