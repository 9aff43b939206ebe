import type { Job } from "../../api/types";
import { formatCount, formatPercent } from "../../lib/format";
import { testCount } from "../../lib/metrics";
import { TableScroll } from "../../ui/scroll";

interface Fold {
  readonly id: string;
  readonly name: string;
  readonly patients: number | null;
  readonly images: number;
  readonly classes: readonly { readonly name: string; readonly images: number }[];
}

/** A fold's test part, from what it was tested on: rows of the confusion matrix are true classes. */
function foldOf({ job_id: id, name, metrics }: Job): Fold | null {
  const { labels, counts } = metrics?.confusion_matrix ?? { labels: [], counts: [] };
  if (labels.length === 0) return null;
  const classes = labels.map((label, place) => ({
    name: label,
    images: (counts[place] ?? []).reduce((sum, n) => sum + n, 0),
  }));
  const images = classes.reduce((sum, one) => sum + one.images, 0);
  return { id, name, patients: testCount(metrics, "patients"), images, classes };
}

/** Whether the folds are alike: every patient is tested in one of them, so their test parts are the folds. */
export function FoldBalance({ children }: { children: readonly Job[] }) {
  if (children.some((job) => job.spec.fold?.method !== "k-fold")) return null;
  const folds = children.flatMap((job) => foldOf(job) ?? []);
  const names = folds[0]?.classes.map((one) => one.name) ?? [];
  if (folds.length === 0) return null;
  return (
    <details class="fold">
      <summary>Patients and classes of each fold</summary>
      <TableScroll label="Patients and classes of each fold">
        <table class="table folds">
          <thead>
            <tr>
              <th scope="col">Tested in</th>
              <th scope="col" class="number">
                Patients
              </th>
              <th scope="col" class="number">
                Images
              </th>
              <th scope="col" class="fold-bar">
                Shares
              </th>
              {names.map((name, place) => (
                <th key={name} scope="col" class="number">
                  <span class={`swatch series-${place + 1}`} aria-hidden="true" /> {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {folds.map((fold) => (
              <tr key={fold.id}>
                <th scope="row">{fold.name}</th>
                <td class="number">{fold.patients === null ? "–" : formatCount(fold.patients)}</td>
                <td class="number">{formatCount(fold.images)}</td>
                <td class="fold-bar" aria-hidden="true">
                  <span>
                    {fold.classes.map((one, place) => (
                      <span
                        key={one.name}
                        class={`series-${place + 1}`}
                        style={{ "--share": `${(100 * one.images) / fold.images}%` }}
                      />
                    ))}
                  </span>
                </td>
                {fold.classes.map((one) => (
                  <td key={one.name} class="number">
                    {formatCount(one.images)}{" "}
                    <span class="faint">{formatPercent(one.images / fold.images)}</span>
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </TableScroll>
    </details>
  );
}
