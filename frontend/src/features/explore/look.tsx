import { renderedUrl } from "../../api/pictures";
import type { ImageSummary } from "../../api/types";
import { formatDate } from "../../lib/format";
import { assessmentWords, densityWords, viewName } from "../../lib/vocabulary";
import { results } from "../../shell/results";
import { versionOf } from "../../shell/workspace";
import { AssessmentMark } from "../../ui/assessment";
import { Copyable } from "../../ui/copy";
import { Icon } from "../../ui/icon";
import { usePicture } from "../../ui/picture";
import { imageAddress, look, lookedAt } from "./state";

function Facts({ image }: { image: ImageSummary }) {
  const density = densityWords(image.tissueden);
  const others = (image.assessments ?? []).filter((code) => code !== image.asses);
  return (
    <dl class="facts">
      <dt>Assessment</dt>
      <dd>
        {assessmentWords(image.asses)}
        {others.length > 0 && <span class="faint"> (also {others.join(", ")})</span>}
      </dd>
      {image.study_date_anon && (
        <>
          <dt>Exam</dt>
          <dd>{formatDate(image.study_date_anon)}</dd>
        </>
      )}
      {image.age_at_study != null && (
        <>
          <dt>Age</dt>
          <dd>{Math.floor(image.age_at_study)} years</dd>
        </>
      )}
      {density && (
        <>
          <dt>Density</dt>
          <dd>{density}</dd>
        </>
      )}
      {image.Manufacturer && (
        <>
          <dt>Vendor</dt>
          <dd>{image.Manufacturer}</dd>
        </>
      )}
      <dt>Patient</dt>
      <dd>
        <Copyable text={image.patient_id} label="patient id" />
      </dd>
      <dt>Exam id</dt>
      <dd>
        <Copyable text={image.exam_id} label="exam id" />
      </dd>
      <dt>Image</dt>
      <dd>
        <Copyable text={String(image.image_id)} label="image id" />
      </dd>
    </dl>
  );
}

function Picture({ image }: { image: ImageSummary }) {
  const url = renderedUrl(image.image_id, {
    width: 768,
    height: 768,
    orient: "as-stored",
    version: versionOf(image.dataset),
  });
  const { src, error } = usePicture(url, image.image_id);
  if (error) return <p class="look-picture soft">No picture: {error.message}</p>;
  const name = viewName(image.ImageLateralityFinal, image.ViewPosition);
  return src ? <img class="look-picture" src={src} alt={name} /> : <div class="look-picture" />;
}

/** The image beside the grid, without leaving it. */
export function QuickLook() {
  const image = results.value.items.find((one) => one.image_id === lookedAt.value);
  if (!image) return null;
  return (
    <aside class="look on-black" aria-label="Quick look">
      <div class="row">
        <h2>{viewName(image.ImageLateralityFinal, image.ViewPosition)}</h2>
        <AssessmentMark code={image.asses} />
        <span class="grow" />
        <a class="button" href={imageAddress(image.image_id)}>
          Open case
        </a>
        <button
          type="button"
          class="button quiet icon"
          aria-label="Close"
          title="Close (Esc)"
          onClick={() => look(null)}
        >
          <Icon name="close" />
        </button>
      </div>
      <Picture image={image} />
      <Facts image={image} />
    </aside>
  );
}
