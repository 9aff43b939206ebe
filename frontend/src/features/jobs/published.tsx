import type { PublishedFigure } from "../../api/types";
import { asShare, formatFigure, formatPercent } from "../../lib/format";

/** Figures of others, never mistaken for ours: headed, hatched at the side, and with their source. */
export function PublishedTable({ figures }: { figures: readonly PublishedFigure[] }) {
  if (figures.length === 0) return null;
  const sources = [...new Set(figures.map((figure) => figure.source).filter(Boolean))];
  const protocols = [...new Set(figures.map((figure) => figure.protocol).filter(Boolean))];
  return (
    <section class="published" aria-label="Published figures">
      <h4>
        <span class="badge warn">Published by others</span>
      </h4>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Model</th>
            <th scope="col" class="number">
              Epochs
            </th>
            <th scope="col" class="number">
              Accuracy
            </th>
            <th scope="col" class="number">
              ROC-AUC
            </th>
          </tr>
        </thead>
        <tbody>
          {figures.map((figure) => (
            <tr key={`${figure.model} ${figure.epochs} ${figure.accuracy}`}>
              <td>{figure.model}</td>
              <td class="number">{figure.epochs ?? "–"}</td>
              <td class="number">
                {figure.accuracy == null ? "–" : formatPercent(asShare(figure.accuracy))}
              </td>
              <td class="number">{formatFigure(figure.roc_auc)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="faint small">
        {sources.join("; ")}
        {protocols.includes("published") &&
          ". Split by image: patients may stand on both sides, so these run high."}
      </p>
    </section>
  );
}

/** One line for a card: the best published figure, said to be so. */
export function publishedLine(figures: readonly PublishedFigure[]): string | null {
  const best = [...figures].sort((a, b) => (b.roc_auc ?? 0) - (a.roc_auc ?? 0))[0];
  if (!best) return null;
  const parts = [
    best.roc_auc == null ? null : `ROC-AUC ${formatFigure(best.roc_auc)}`,
    best.accuracy == null ? null : `accuracy ${formatPercent(asShare(best.accuracy))}`,
  ].filter(Boolean);
  return `${parts.join(", ")} with ${best.model}`;
}
