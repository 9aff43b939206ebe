import type { ImageSummary } from "../../api/types";
import { formatDate, plural } from "../../lib/format";
import { densityWords } from "../../lib/vocabulary";
import type { Group } from "./state";

/** Whose images follow: the exam with its date, age and density, or the patient. */
export function GroupHead({
  images,
  by,
  y,
}: {
  images: readonly ImageSummary[];
  by: Group;
  y: number;
}) {
  const first = images[0];
  if (!first) return null;
  const exams = new Set(images.map((image) => image.exam_id)).size;
  const density = densityWords(first.tissueden);
  const words =
    by === "patient"
      ? [plural(exams, "exam"), plural(images.length, "image")]
      : [
          first.study_date_anon && formatDate(first.study_date_anon),
          first.age_at_study != null && `${Math.floor(first.age_at_study)} years`,
          density && `density ${density}`,
          plural(images.length, "image"),
        ];
  return (
    <h2 class="group-head" style={{ "--y": `${y}px` }}>
      <span>{by === "patient" ? "Patient" : "Exam"}</span>{" "}
      <span class="mono">{by === "patient" ? first.patient_id : first.exam_id}</span>{" "}
      <span class="soft">{words.filter(Boolean).join(" · ")}</span>
    </h2>
  );
}
