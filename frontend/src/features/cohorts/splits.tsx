import { listFilters, retrieveSplits } from "../../api/catalog";
import type { Cohort, FilterField, Splits } from "../../api/types";
import { formatCount, formatPercent, plural } from "../../lib/format";
import { optionLabel } from "../../lib/options";
import { type Balanced, balanceOf, type Part } from "../../lib/splits";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";
import { TableScroll } from "../../ui/scroll";

function Share({ images, part }: { images: number; part: Part }) {
  const share = part.images ? images / part.images : 0;
  return (
    <>
      <td class="share-bar" aria-hidden="true">
        <span class={`split-${part.colour}`} style={{ "--share": `${share * 100}%` }} />
      </td>
      <td class="number" title={plural(images, "image")}>
        {formatPercent(share)}
      </td>
    </>
  );
}

/** A value in the words of its filter field, where it is one. */
function valueWords(name: string, value: string | null, fields: readonly FilterField[]): string {
  const option = fields
    .find((one) => one.name === name)
    ?.options.find((one) => one.value === value);
  return option ? optionLabel(name, option) : (value ?? "not recorded");
}

function Group({
  group,
  parts,
  fields,
}: {
  group: Balanced;
  parts: readonly Part[];
  fields: readonly FilterField[];
}) {
  const label = fields.find((one) => one.name === group.attribute)?.label ?? group.attribute;
  return (
    <tbody>
      <tr>
        <th scope="rowgroup" colSpan={1 + 2 * parts.length}>
          {label}
        </th>
      </tr>
      {group.values.map((one) => (
        <tr key={one.value}>
          <th scope="row">{valueWords(group.attribute, one.value, fields)}</th>
          {parts.map((part) => (
            <Share key={part.name} images={one.images[part.name] ?? 0} part={part} />
          ))}
        </tr>
      ))}
    </tbody>
  );
}

function Table({ splits, fields }: { splits: Splits; fields: readonly FilterField[] }) {
  const { parts, groups } = balanceOf(splits);
  return (
    <TableScroll label="Shares of each split">
      <table class="table shares">
        <thead>
          <tr>
            <th scope="col">Share of the images</th>
            {parts.map((part) => (
              <th key={part.name} scope="col" colSpan={2} class="number">
                {part.name}, {formatCount(part.images)}
              </th>
            ))}
          </tr>
        </thead>
        {groups.map((group) => (
          <Group key={group.attribute} group={group} parts={parts} fields={fields} />
        ))}
      </table>
    </TableScroll>
  );
}

/** Whether the parts of a cohort are alike: classes and subgroups as shares of each part. */
export function SplitBalance({ cohort }: { cohort: Cohort }) {
  const found = useResource(`splits ${cohort.cohort_id}`, (aborted) =>
    retrieveSplits(cohort.cohort_id, aborted),
  );
  const fields = useResource(`filters ${cohort.dataset}`, (aborted) =>
    listFilters(cohort.dataset, aborted),
  );
  const { data, error } = found;
  if (error) return <ProblemNote error={error} retry={found.reload} />;
  if (!data) return null;
  return (
    <section class="stack" aria-label="Balance of the splits">
      {data.patients_in_several > 0 ? (
        <p class="note warning">
          {plural(data.patients_in_several, "patient")} in several splits: figures on the test split
          will run high.
        </p>
      ) : (
        <p class="faint">No patient is in two splits.</p>
      )}
      <details class="fold">
        <summary>Classes and subgroups of each split</summary>
        <Table splits={data} fields={fields.data ?? []} />
      </details>
    </section>
  );
}
