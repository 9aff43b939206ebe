import { formatCount, formatPercent } from "../../lib/format";
import "./charts.css";

interface Props {
  readonly labels: readonly string[];
  readonly counts: readonly (readonly number[])[];
}

/** Rows are the truth, columns what the model said; a cell's tint is its share of its row. */
export function ConfusionMatrix({ labels, counts }: Props) {
  return (
    <figure class="chart">
      <figcaption>
        <h3>Confusion matrix</h3>
        <span class="faint">rows: truth, columns: prediction</span>
      </figcaption>
      <table class="matrix">
        <thead>
          <tr>
            <th scope="col">
              <span class="visually-hidden">Truth</span>
            </th>
            {labels.map((label) => (
              <th key={label} scope="col">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {counts.map((row, i) => {
            const sum = row.reduce((total, n) => total + n, 0);
            return (
              <tr key={labels[i]}>
                <th scope="row">{labels[i]}</th>
                {row.map((n, j) => {
                  const share = sum ? n / sum : 0;
                  return (
                    <td
                      key={labels[j]}
                      class={`${i === j ? "right" : "wrong"} ${share > 0.5 ? "strong" : ""}`}
                      style={{ "--share": share }}
                      title={`${formatCount(n)} of ${formatCount(sum)} with truth ${labels[i]} called ${labels[j]}`}
                    >
                      <strong>{formatCount(n)}</strong>
                      <span>{formatPercent(share, 0)}</span>
                    </td>
                  );
                })}
              </tr>
            );
          })}
        </tbody>
      </table>
    </figure>
  );
}
