import { formatFigure } from "../../lib/format";
import type { Figure } from "../../lib/metrics";
import "./charts.css";

interface Props {
  readonly figures: readonly Figure[];
  readonly baseline: readonly Figure[];
}

function Whisker({ figure, baseline }: { figure: Figure; baseline: Figure | undefined }) {
  const low = figure.low ?? figure.value;
  const high = figure.high ?? figure.value;
  if (low < 0 || high > 1) return null;
  const style = {
    "--low": `${low * 100}%`,
    "--high": `${high * 100}%`,
    "--at": `${figure.value * 100}%`,
  };
  return (
    <div class="whisker" style={style}>
      {baseline && (
        <span
          class="whisker-baseline"
          style={{ "--at": `${baseline.value * 100}%` }}
          title={`baseline ${formatFigure(baseline.value)}`}
        />
      )}
    </div>
  );
}

const interval = (figure: Figure): string =>
  figure.low === null ? "–" : `${formatFigure(figure.low)} to ${formatFigure(figure.high)}`;

/** Each figure with its 95 % interval, as text to copy and as a dot with whiskers from 0 to 1. */
export function Whiskers({ figures, baseline }: Props) {
  const compared = baseline.length > 0;
  return (
    <table class="table whiskers">
      <thead>
        <tr>
          <th scope="col">Figure</th>
          <th scope="col" class="number">
            Value
          </th>
          <th scope="col" class="number">
            95 % interval
          </th>
          {compared && (
            <th scope="col" class="number">
              Baseline
            </th>
          )}
          <th scope="col" class="whisker-cell">
            <span class="whisker-ends">
              <span>0</span>
              <span>1</span>
            </span>
          </th>
        </tr>
      </thead>
      <tbody>
        {figures.map((figure) => {
          const other = baseline.find((one) => one.name === figure.name);
          return (
            <tr key={figure.name}>
              <td>{figure.label}</td>
              <td class="number">
                <strong>{formatFigure(figure.value)}</strong>
              </td>
              <td class="number soft">{interval(figure)}</td>
              {compared && (
                <td class="number faint" title={other && interval(other)}>
                  {formatFigure(other?.value)}
                </td>
              )}
              <td class="whisker-cell">
                <Whisker figure={figure} baseline={other} />
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
