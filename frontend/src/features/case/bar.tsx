import type { ImageRecord, ImageSummary } from "../../api/types";
import { formatCount, formatDate } from "../../lib/format";
import { withQuery } from "../../lib/url";
import { assessmentWords, densityWords, viewName } from "../../lib/vocabulary";
import { type Neighbours, results } from "../../shell/results";
import { Icon, type IconName } from "../../ui/icon";
import { cell } from "./record";
import {
  carriedParameters,
  inverted,
  resetView,
  roisShown,
  setInverted,
  setLayout,
  setRoisShown,
} from "./state";

function ExamHeader({ record, code }: { record: ImageRecord; code: string | null }) {
  const { exam, image } = record;
  const date = cell(exam.study_date_anon ?? image.study_date_anon);
  const age = Number(exam.age_at_study ?? Number.NaN);
  const density = densityWords(cell(exam.tissueden));
  const facts = [
    date && formatDate(date),
    Number.isFinite(age) ? `${Math.floor(age)} years` : null,
    density && `density ${density}`,
    code && assessmentWords(code),
    cell(exam.desc),
  ].filter(Boolean);
  return (
    <p class="exam-line">
      <strong>{viewName(cell(image.ImageLateralityFinal), cell(image.ViewPosition))}</strong>
      <span class="soft">{facts.join(" · ")}</span>
    </p>
  );
}

function Toggle(props: { icon: IconName; label: string; pressed: boolean; onClick: () => void }) {
  return (
    <button
      type="button"
      class="button quiet icon"
      aria-pressed={props.pressed}
      aria-label={props.label}
      title={props.label}
      onClick={props.onClick}
    >
      <Icon name={props.icon} />
    </button>
  );
}

function Stepper({ neighbours }: { neighbours: Neighbours }) {
  const { place, previous, next } = neighbours;
  const address = (image: ImageSummary): string =>
    withQuery(`/images/${image.image_id}`, carriedParameters());
  const total = results.value.total;
  if (!previous && !next) return null;
  return (
    <div class="row stepper">
      {previous ? (
        <a
          class="button quiet icon"
          href={address(previous)}
          aria-label="Previous image"
          title="Previous image (k)"
        >
          <Icon name="left" />
        </a>
      ) : (
        <span class="button quiet icon" aria-hidden="true" />
      )}
      {place >= 0 && total !== null && (
        <span class="soft">
          {formatCount(place + 1)} of {formatCount(total)}
        </span>
      )}
      {next ? (
        <a
          class="button quiet icon"
          href={address(next)}
          aria-label="Next image"
          title="Next image (j)"
        >
          <Icon name="right" />
        </a>
      ) : (
        <span class="button quiet icon" aria-hidden="true" />
      )}
    </div>
  );
}

interface BarProps {
  readonly record: ImageRecord | undefined;
  readonly code: string | null;
  readonly back: string;
  readonly hangs: boolean;
  readonly layout: "one" | "four";
  readonly neighbours: Neighbours;
}

/** Way back, what exam this is, the tools, and the steps through the search. */
export function CaseBar({ record, code, back, hangs, layout, neighbours }: BarProps) {
  return (
    <div class="case-bar">
      <a class="button quiet" href={back} title="Back to the images (Esc)">
        <Icon name="left" /> Images
      </a>
      {record && <ExamHeader record={record} code={code} />}
      <div class="row tools" role="toolbar" aria-label="Viewer tools">
        {hangs && (
          <>
            <Toggle
              icon="four"
              label="Four views (f)"
              pressed={layout === "four"}
              onClick={() => setLayout("four")}
            />
            <Toggle
              icon="one"
              label="One picture (f)"
              pressed={layout === "one"}
              onClick={() => setLayout("one")}
            />
          </>
        )}
        <Toggle
          icon="roi"
          label="ROI boxes (r)"
          pressed={roisShown.value}
          onClick={() => setRoisShown(!roisShown.value)}
        />
        <Toggle
          icon="invert"
          label="Invert (i)"
          pressed={inverted.value}
          onClick={() => setInverted(!inverted.value)}
        />
        <button
          type="button"
          class="button quiet icon"
          aria-label="Reset the view (0)"
          title="Reset the view (0)"
          onClick={resetView}
        >
          <Icon name="reset" />
        </button>
      </div>
      <Stepper neighbours={neighbours} />
    </div>
  );
}
