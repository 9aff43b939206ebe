import { artifactUrl, listArtifacts } from "../../api/trainer";
import type { Job } from "../../api/types";
import { formatBytes } from "../../lib/format";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";
import { TableScroll } from "../../ui/scroll";

/** What the job left: its files with their hashes. */
export function Artifacts({ job }: { job: Job }) {
  const key = `artifacts ${job.job_id} ${job.state} ${job.epochs.length > 0}`;
  const files = useResource(
    key,
    async (aborted) => (await listArtifacts(job.job_id, aborted)).items,
  );
  if (files.error) return <ProblemNote error={files.error} retry={files.reload} />;
  const items = files.data ?? [];
  if (items.length === 0) return null;
  return (
    <section class="stack">
      <h2>Files</h2>
      <TableScroll label="Files">
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
      </TableScroll>
    </section>
  );
}
