import type { CrossTable, FilterField } from "../../api/types";
import { formatCount, formatPercent } from "../../lib/format";
import { TableScroll } from "../../ui/scroll";
import { Downloads } from "./download";
import { cross, setCross } from "./state";

function FieldChoice({
  label,
  value,
  fields,
  onChange,
}: {
  label: string;
  value: string;
  fields: readonly FilterField[];
  onChange: (name: string) => void;
}) {
  return (
    <select
      class="select inline-choice"
      aria-label={label}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    >
      {fields.map((field) => (
        <option key={field.name} value={field.name}>
          {field.label}
        </option>
      ))}
    </select>
  );
}

/** Two fields against each other; the ground of a cell is its share of its row. */
export function CrossView({
  table,
  fields,
}: {
  table: CrossTable | undefined;
  fields: readonly FilterField[];
}) {
  const [row, column] = cross.value;
  const sums = table?.counts.map((counts) => counts.reduce((sum, n) => sum + n, 0)) ?? [];
  const rows = table
    ? table.rows.bins.map((bin, index) => [bin.label, ...(table.counts[index] ?? [])])
    : [];
  const head = table ? ["", ...table.columns.bins.map((bin) => bin.label)] : [];
  return (
    <section class="statistic" aria-label="Cross-table">
      <div class="row wrap">
        <h2>
          <FieldChoice
            label="Rows"
            value={row}
            fields={fields}
            onChange={(name) => setCross(name, column)}
          />{" "}
          by{" "}
          <FieldChoice
            label="Columns"
            value={column}
            fields={fields}
            onChange={(name) => setCross(row, name)}
          />
        </h2>
        <span class="grow" />
        <Downloads name={`${row}-by-${column}`} rows={[head, ...rows]} />
      </div>
      {table && (
        <TableScroll label={`${row} by ${column}`}>
          <table class="table cross">
            <thead>
              <tr>
                <td />
                {table.columns.bins.map((bin) => (
                  <th key={bin.label} scope="col" class="number">
                    {bin.label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {table.rows.bins.map((bin, place) => (
                <tr key={bin.label}>
                  <th scope="row">{bin.label}</th>
                  {(table.counts[place] ?? []).map((count, index) => {
                    const share = sums[place] ? count / (sums[place] ?? 1) : 0;
                    return (
                      <td
                        key={table.columns.bins[index]?.label}
                        class="number"
                        style={{ "--share": `${Math.round(share * 60)}%` }}
                        title={`${formatPercent(share)} of ${bin.label}`}
                      >
                        {formatCount(count)}
                      </td>
                    );
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </TableScroll>
      )}
    </section>
  );
}
