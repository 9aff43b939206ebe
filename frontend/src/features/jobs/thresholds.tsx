import type { ChosenThreshold } from "../../api/types";
import { formatFigure } from "../../lib/format";
import { within } from "../../lib/metrics";
import { TableScroll } from "../../ui/scroll";

const RULES: Readonly<Record<ChosenThreshold["rule"], string>> = {
  balanced_accuracy: "the greatest balanced accuracy",
  specificity_90: "a specificity of at least 90 %",
  sensitivity_90: "a sensitivity of at least 90 %",
};

/** Thresholds that validation chose, and what each comes to where it had no say. */
export function Thresholds({
  chosen,
  positive,
}: {
  chosen: readonly ChosenThreshold[];
  positive: string | undefined;
}) {
  if (chosen.length === 0) return null;
  return (
    <section class="stack">
      <h2>At thresholds that validation chose</h2>
      <TableScroll label="At thresholds that validation chose">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Sought on validation</th>
              <th scope="col" class="number">
                Threshold
              </th>
              <th scope="col" class="number">
                Test sensitivity, 95 %
              </th>
              <th scope="col" class="number">
                Test specificity, 95 %
              </th>
              <th scope="col" class="number">
                Both on validation
              </th>
            </tr>
          </thead>
          <tbody>
            {chosen.map((one) => (
              <tr key={one.rule}>
                <th scope="row">{RULES[one.rule]}</th>
                <td class="number">{formatFigure(one.threshold)}</td>
                <td class="number">{within(one.sensitivity)}</td>
                <td class="number">{within(one.specificity)}</td>
                <td class="number faint">
                  {formatFigure(one.validation_sensitivity)} and{" "}
                  {formatFigure(one.validation_specificity)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableScroll>
      <p class="faint small">
        From its threshold on an image is called {positive}. The test split had no say in it;
        figures at 90 % in the table above are read off the test split's own curve.
      </p>
    </section>
  );
}
