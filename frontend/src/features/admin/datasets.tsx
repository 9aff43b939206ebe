import { listRevisions } from "../../api/people";
import type { Dataset, Revision } from "../../api/types";
import { formatCount, formatWhen } from "../../lib/format";
import { settingLabel, valueText } from "../../lib/schema";
import { datasets } from "../../shell/workspace";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";
import { TableScroll } from "../../ui/scroll";

/** The ingest report is a document of the catalog's; numbers and lists of it are shown as they stand. */
function ReportView({ report }: { report: object }) {
  const entries = Object.entries(report);
  return (
    <dl class="facts report">
      {entries.map(([name, value]) => [
        <dt key={`${name}-t`}>{name.replaceAll("_", " ")}</dt>,
        <dd key={name}>
          {typeof value === "object" && value !== null ? (
            Array.isArray(value) ? (
              <ReportList items={value} />
            ) : (
              <ReportView report={value} />
            )
          ) : (
            String(value ?? "–")
          )}
        </dd>,
      ])}
    </dl>
  );
}

const MOST = 40;

function ReportList({ items }: { items: readonly unknown[] }) {
  if (items.length === 0) return <span class="faint">none</span>;
  const shown = items.slice(0, MOST);
  const rows = shown.filter((item): item is object => typeof item === "object" && item !== null);
  const texts = shown.filter((item) => typeof item !== "object");
  return (
    <>
      {rows.length > 0 && <ReportTable rows={rows} />}
      {texts.length > 0 && (
        <ul>
          {texts.map((text) => (
            <li key={text}>{String(text)}</li>
          ))}
        </ul>
      )}
      {items.length > MOST && <p class="faint">{items.length - MOST} more</p>}
    </>
  );
}

function ReportTable({ rows }: { rows: readonly object[] }) {
  const names = [...new Set(rows.flatMap(Object.keys))];
  return (
    <TableScroll label="Cells by column and reason">
      <table class="table">
        <thead>
          <tr>
            {names.map((name) => (
              <th key={name} scope="col">
                {settingLabel(name)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {names.map((name) => (
                <td key={name}>{valueText((row as Record<string, unknown>)[name])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </TableScroll>
  );
}

function RevisionView({ revision }: { revision: Revision }) {
  return (
    <details class="fold revision">
      <summary>
        <span>Revision {revision.revision_id}</span>
        <span class="badge">{revision.dry_run ? "dry run" : revision.state}</span>
        <span class="soft">{formatWhen(revision.created_at)}</span>
        <span class="mono faint">{revision.sha256?.slice(0, 12)}</span>
      </summary>
      {revision.error && <p class="note error">{revision.error}</p>}
      <dl class="facts">
        {Object.entries(revision.counts).map(([name, count]) => [
          <dt key={`${name}-t`}>{name.replaceAll("_", " ")}</dt>,
          <dd key={name}>{formatCount(count)}</dd>,
        ])}
      </dl>
      {revision.report && (
        <>
          <h3>What the ingest repaired or refused</h3>
          <ReportView report={revision.report} />
        </>
      )}
    </details>
  );
}

function DatasetView({ dataset }: { dataset: Dataset }) {
  const revisions = useResource(
    `revisions ${dataset.name}`,
    async (aborted) => (await listRevisions(dataset.name, aborted)).items,
  );
  return (
    <section class="stack" aria-label={dataset.title}>
      <h2>
        {dataset.title} <span class="mono faint">{dataset.name}</span>
      </h2>
      <p class="soft">
        {dataset.restricted ? "Needs an agreement" : "Open"}; {dataset.licence ?? "no licence told"}
      </p>
      {dataset.basis && (
        <p class="soft">
          Kept on this basis, recorded {formatWhen(dataset.basis.recorded_at)}: {dataset.basis.text}
        </p>
      )}
      {revisions.error && <ProblemNote error={revisions.error} retry={revisions.reload} />}
      {revisions.data?.map((one) => (
        <RevisionView key={one.revision_id} revision={one} />
      ))}
    </section>
  );
}

export function Datasets() {
  return (
    <>
      {(datasets.value ?? []).map((one) => (
        <DatasetView key={one.name} dataset={one} />
      ))}
      <p class="soft">
        A new revision comes in with <span class="mono">embedlab ingest</span>; it is seen when it
        is whole, and cohorts stay on theirs.
      </p>
    </>
  );
}
