import { formatFigure } from "../../lib/format";
import type { Figure } from "../../lib/metrics";
import "./charts.css";

/** Each figure with its 95 % interval, as text to copy and as a dot with whiskers from 0 to 1. */
export function Whiskers({ figures }: { figures: readonly Figure[] }) {
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
          <th scope="col" aria-label="Interval from 0 to 1" />
        </tr>
      </thead>
      <tbody>
        {figures.map((figure) => {
          const low = figure.low ?? figure.value;
          const high = figure.high ?? figure.value;
          const drawn = figure.value >= 0 && high <= 1;
          return (
            <tr key={figure.name}>
              <td>{figure.label}</td>
              <td class="number">
                <strong>{formatFigure(figure.value)}</strong>
              </td>
              <td class="number soft">
                {figure.low === null
                  ? "–"
                  : `${formatFigure(figure.low)} to ${formatFigure(figure.high)}`}
              </td>
              <td class="whisker-cell">
                {drawn && (
                  <div
                    class="whisker"
                    style={{
                      "--low": `${low * 100}%`,
                      "--high": `${high * 100}%`,
                      "--at": `${figure.value * 100}%`,
                    }}
                  />
                )}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
