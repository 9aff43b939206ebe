import { useState } from "preact/hooks";
import { listExports } from "../../api/catalog";
import { mayTrain } from "../../api/session";
import type { Cohort } from "../../api/types";
import { Icon } from "../../ui/icon";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";

/** Files with EMBED's own column names, for notebooks and for others' tools. */
export function Exports({ cohort }: { cohort: Cohort }) {
  // Looking at the list is an access that the audit log keeps: only whoever wants it asks.
  const [open, setOpen] = useState(false);
  const files = useResource(
    open && mayTrain() ? `exports ${cohort.cohort_id}` : null,
    async (aborted) => (await listExports(cohort.cohort_id, aborted)).items,
  );
  if (!mayTrain()) return null;
  return (
    <details class="fold" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Export</summary>
      {files.error && <ProblemNote error={files.error} retry={files.reload} />}
      <ul class="exports" aria-label="Files of this cohort">
        {files.data?.map((file) => (
          <li key={file.name}>
            <a href={file.url} download={`${cohort.name}-${file.name}`}>
              <Icon name="download" size={14} />
              <span class="mono">{file.name}</span>
              <span class="faint">{file.description}</span>
            </a>
          </li>
        ))}
      </ul>
      <p class="faint small">What leaves the server is written to the audit log.</p>
    </details>
  );
}
