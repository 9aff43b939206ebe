import type { PublishedFigure } from "../../api/types";
import { asShare, formatFigure, formatPercent } from "../../lib/format";
import { TableScroll } from "../../ui/scroll";

interface Column {
  readonly label: string;
  readonly has: (figure: PublishedFigure) => boolean;
  readonly of: (figure: PublishedFigure) => string;
}

const percent = (share: number | null | undefined): string =>
  share == null ? "–" : formatPercent(asShare(share));

/** What reports tell; a column is there where one of the figures fills it. */
const COLUMNS: readonly Column[] = [
  { label: "Epochs", has: (f) => f.epochs != null, of: (f) => String(f.epochs ?? "–") },
  { label: "Accuracy", has: (f) => f.accuracy != null, of: (f) => percent(f.accuracy) },
  {
    label: "Balanced accuracy",
    has: (f) => f.balanced_accuracy != null,
    of: (f) => percent(f.balanced_accuracy),
  },
  { label: "ROC-AUC", has: (f) => f.roc_auc != null, of: (f) => formatFigure(f.roc_auc) },
  { label: "F1", has: (f) => f.f1 != null, of: (f) => formatFigure(f.f1) },
  { label: "Log loss", has: (f) => f.log_loss != null, of: (f) => formatFigure(f.log_loss) },
];

/** Figures of others, never mistaken for ours: headed, hatched at the side, and with their source. */
export function PublishedTable({ figures }: { figures: readonly PublishedFigure[] }) {
  if (figures.length === 0) return null;
  const sources = [...new Set(figures.map((figure) => figure.source).filter(Boolean))];
  const shown = COLUMNS.filter(({ has }) => figures.some(has));
  const protocols = [...new Set(figures.map((figure) => figure.protocol).filter(Boolean))];
  return (
    <section class="published" aria-label="Published figures">
      <h4>
        <span class="badge warn">Published by others</span>
      </h4>
      <TableScroll label="Figures that others published">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Model</th>
              {shown.map(({ label }) => (
                <th key={label} scope="col" class="number">
                  {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {figures.map((figure) => (
              <tr key={`${figure.model} ${figure.epochs} ${figure.variant} ${figure.accuracy}`}>
                <td>
                  {figure.model}
                  {figure.variant && <div class="faint small">{figure.variant}</div>}
                </td>
                {shown.map(({ label, of }) => (
                  <td key={label} class="number">
                    {of(figure)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </TableScroll>
      <p class="faint small">
        {sources.join("; ")}
        {protocols.includes("published") &&
          ". Split by image: patients may stand on both sides, so these run high."}
      </p>
    </section>
  );
}

/** One line for a card: the best published figure, with what was particular about it. */
export function publishedLine(figures: readonly PublishedFigure[]): string | null {
  const rank = (figure: PublishedFigure): number => figure.roc_auc ?? figure.accuracy ?? 0;
  const best = [...figures].sort((a, b) => rank(b) - rank(a))[0];
  if (!best) return null;
  const parts = [
    best.roc_auc == null ? null : `ROC-AUC ${formatFigure(best.roc_auc)}`,
    best.accuracy == null ? null : `accuracy ${formatPercent(asShare(best.accuracy))}`,
  ].filter(Boolean);
  return `${parts.join(", ")} with ${best.model}${best.variant ? `; ${best.variant}` : ""}`;
}
