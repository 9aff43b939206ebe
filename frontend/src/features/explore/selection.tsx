import { signal } from "@preact/signals";
import type { ImageSummary } from "../../api/types";
import { csvText, saveText } from "../../lib/download";
import { plural } from "../../lib/format";
import { withQuery } from "../../lib/url";
import { FlagForm } from "../../shell/flag-form";
import { results } from "../../shell/results";
import { Icon } from "../../ui/icon";
import { Menu } from "../../ui/menu";

/** Images picked by hand; picking survives scrolling and a changed filter, not a new page. */
export const selected = signal<ReadonlyMap<number, ImageSummary>>(new Map());

export function toggleSelected(image: ImageSummary): void {
  const next = new Map(selected.value);
  if (!next.delete(image.image_id)) next.set(image.image_id, image);
  selected.value = next;
}

/** From the last picked image to this one, as one does with shift in any list. */
export function selectThrough(place: number): void {
  const { items } = results.value;
  const last = [...selected.value.keys()].at(-1);
  const from = items.findIndex((item) => item.image_id === last);
  const [low, high] = from < 0 ? [place, place] : [Math.min(from, place), Math.max(from, place)];
  const next = new Map(selected.value);
  for (const item of items.slice(low, high + 1)) next.set(item.image_id, item);
  selected.value = next;
}

const COLUMNS = [
  "image_id",
  "patient_id",
  "exam_id",
  "sop_instance_uid",
  "ImageLateralityFinal",
  "ViewPosition",
  "FinalImageType",
  "asses",
  "num_roi",
  "study_date_anon",
  "age_at_study",
  "tissueden",
  "Manufacturer",
] as const;

function download(images: readonly ImageSummary[]): void {
  const rows = images.map((image) => COLUMNS.map((column) => image[column]));
  saveText("images.csv", "text/csv", csvText([[...COLUMNS], ...rows]));
}

function FlagMenu({ images }: { images: readonly ImageSummary[] }) {
  return (
    <Menu
      class="upward"
      title="Flag the selected images"
      button={
        <>
          <Icon name="flag" size={14} /> Flag
        </>
      }
    >
      <FlagForm imageIds={images.map((image) => image.image_id)} />
    </Menu>
  );
}

/** What can be done with the picked images. */
export function SelectionBar({ dataset, mayTrain }: { dataset: string; mayTrain: boolean }) {
  const images = [...selected.value.values()];
  if (images.length === 0) return null;
  const exams = [...new Set(images.map((image) => image.exam_id))];
  const ofExams = exams.map((id): [string, string] => ["acc_anon", id]);
  const pairs: [string, string][] = [...ofExams, ["dataset", dataset]];
  return (
    <div class="selection" role="toolbar" aria-label="Selected images">
      <strong>{plural(images.length, "image")} selected</strong>
      <a class="button" href={withQuery("/explore", pairs)}>
        {exams.length === 1 ? "Its exam" : `Their ${exams.length} exams`}
      </a>
      {mayTrain && (
        <a class="button" href={withQuery("/cohorts/new", pairs)}>
          Cohort of {exams.length === 1 ? "its exam" : "their exams"}
        </a>
      )}
      <FlagMenu images={images} />
      <button type="button" class="button" onClick={() => download(images)}>
        <Icon name="download" size={14} /> CSV
      </button>
      <button
        type="button"
        class="button quiet"
        onClick={() => {
          selected.value = new Map();
        }}
      >
        Clear
      </button>
    </div>
  );
}
