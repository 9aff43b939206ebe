import { useRef } from "preact/hooks";
import type { CountedBin, Distribution } from "../../api/types";
import { formatCount, formatFigure, formatPercent } from "../../lib/format";
import { Bars } from "../../ui/charts/bars";
import { useWidth } from "../../ui/width";
import { Downloads } from "./download";

const MOST_BARS = 18;

/** The frequent ones by name, the others as one. */
function shortened(bins: readonly CountedBin[], ordered: boolean): readonly CountedBin[] {
  if (bins.length <= MOST_BARS) return bins;
  const sorted = ordered ? [...bins] : [...bins].sort((a, b) => b.count - a.count);
  const rest = sorted.slice(MOST_BARS - 1);
  const count = rest.reduce((sum, bin) => sum + bin.count, 0);
  return [...sorted.slice(0, MOST_BARS - 1), { label: `${rest.length} others`, count }];
}

function colourOf(field: string, bin: CountedBin): string | undefined {
  if (bin.value === null) return "var(--line-strong)";
  return field === "asses" && typeof bin.value === "string"
    ? `var(--asses-${bin.value})`
    : undefined;
}

/** One field: picture, table, and its summary where it is a number. */
export function DistributionView({
  of,
  counted,
  total,
}: {
  of: Distribution;
  counted: string;
  /** All that is counted: where one image has several values, shares sum to more than one. */
  total: number;
}) {
  const [box, width] = useWidth<HTMLDivElement>();
  const svg = useRef<SVGSVGElement>(null);
  const shown = shortened(of.bins, of.kind === "range" || of.kind === "date");
  const rows = of.bins.map((bin) => [
    bin.label,
    bin.count,
    total ? Number((bin.count / total).toFixed(6)) : 0,
  ]);
  return (
    <figure class="statistic" aria-label={of.label}>
      <figcaption class="row">
        <h2 class="grow">{of.label}</h2>
        <Downloads name={of.field} rows={[[of.field, counted, "share"], ...rows]} svg={svg} />
      </figcaption>
      {of.summary && (
        <p class="soft">
          median {formatFigure(of.summary.median, 1)} (quartiles {formatFigure(of.summary.q1, 1)} to{" "}
          {formatFigure(of.summary.q3, 1)}), mean {formatFigure(of.summary.mean, 1)}, standard
          deviation {formatFigure(of.summary.sd, 1)}
        </p>
      )}
      <div ref={box}>
        {width > 0 && (
          <Bars
            title={of.label}
            width={width}
            total={total}
            svgRef={svg}
            bars={shown.map((bin) => ({
              label: bin.label,
              count: bin.count,
              colour: colourOf(of.field, bin),
            }))}
          />
        )}
      </div>
      <details class="fold">
        <summary>Table</summary>
        <table class="table">
          <thead>
            <tr>
              <th scope="col">{of.label}</th>
              <th scope="col" class="number">
                {counted}
              </th>
              <th scope="col" class="number">
                Share
              </th>
            </tr>
          </thead>
          <tbody>
            {of.bins.map((bin) => (
              <tr key={bin.label}>
                <td>{bin.label}</td>
                <td class="number">{formatCount(bin.count)}</td>
                <td class="number">{formatPercent(total ? bin.count / total : 0)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </figure>
  );
}
