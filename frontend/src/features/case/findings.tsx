import type { Finding, ImageRecord } from "../../api/types";
import { findingLines, findingSentences } from "../../lib/finding";
import { assessmentWords, sideWords } from "../../lib/vocabulary";
import { AssessmentMark } from "../../ui/assessment";

function text(value: Finding["values"][string] | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}

function FindingView({ finding, number }: { finding: Finding; number: number }) {
  const code = text(finding.values.asses);
  const sentences = findingSentences(finding);
  const lines = findingLines(finding);
  return (
    <article class="finding">
      <h3 class="row">
        <AssessmentMark code={code} />
        <span>{assessmentWords(code)}</span>
      </h3>
      <p class="faint">
        Finding {text(finding.values.numfind) ?? number}, {sideWords(text(finding.values.side))}
      </p>
      {sentences.length > 0 ? (
        sentences.map((sentence) => <p key={sentence}>{sentence}</p>)
      ) : (
        <p class="soft">Nothing described.</p>
      )}
      {lines.length > 0 && (
        <dl class="facts">
          {lines.map((line) => [
            <dt key={`${line.name}-t`}>{line.name}</dt>,
            <dd key={line.name}>{line.text}</dd>,
          ])}
        </dl>
      )}
    </article>
  );
}

interface Props {
  readonly record: ImageRecord;
  readonly lit: number | null;
  readonly onLight: (n: number | null) => void;
}

/** What was found on this image, in words; pointing at a ROI lights its box up. */
export function Findings({ record, lit, onLight }: Props) {
  return (
    <section aria-label="Findings" class="stack">
      <h2>Findings</h2>
      {record.findings.length === 0 && (
        <p class="soft">No finding is recorded for this side of the exam.</p>
      )}
      {record.findings.map((finding, index) => (
        <FindingView key={index} finding={finding} number={index + 1} />
      ))}
      {record.rois.length > 0 && (
        <ul class="rois" aria-label="Regions of interest">
          {record.rois.map((roi) => (
            <li key={roi.n}>
              <button
                type="button"
                aria-pressed={lit === roi.n}
                onPointerEnter={() => onLight(roi.n)}
                onPointerLeave={() => onLight(null)}
                onFocus={() => onLight(roi.n)}
                onBlur={() => onLight(null)}
              >
                <span>ROI {roi.n + 1}</span>
                <span class="faint">
                  {roi.xmax - roi.xmin} x {roi.ymax - roi.ymin} px
                  {roi.match_level === 1 && ", level 1: drawn on this image"}
                  {roi.match_level === 2 && ", level 2: copied from its twin"}
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
