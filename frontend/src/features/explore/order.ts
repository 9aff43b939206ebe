/** Which of some two hundred fields one sees first; the others of a grain lie behind one fold. */
import type { FilterField, Level } from "../../api/types";

export const LEVELS: readonly { level: Level; title: string }[] = [
  { level: "patient", title: "Patient" },
  { level: "exam", title: "Exam" },
  { level: "finding", title: "Finding" },
  { level: "image", title: "Image" },
];

const PRINCIPAL: readonly string[] = [
  "race",
  "ethnicity",
  "exam_type",
  "tissueden",
  "age_at_study",
  "asses",
  "finding_kind",
  "pathology",
  "side",
  "massshape",
  "massmargin",
  "calcfind",
  "calcdistri",
  "ViewPosition",
  "ImageLateralityFinal",
  "FinalImageType",
  "has_roi",
  "has_file",
  "Manufacturer",
  "spot_or_magnification",
];

export const OPEN_AT_FIRST: readonly string[] = [
  "tissueden",
  "age_at_study",
  "asses",
  "finding_kind",
  "pathology",
  "ViewPosition",
  "ImageLateralityFinal",
  "FinalImageType",
  "has_roi",
  "Manufacturer",
];

export interface Ordered {
  readonly first: readonly FilterField[];
  readonly more: readonly FilterField[];
}

/** Principal fields in their order, then those in use; the rest behind the fold, in the order of the table. */
export function orderFields(fields: readonly FilterField[], active: ReadonlySet<string>): Ordered {
  const place = (field: FilterField): number => PRINCIPAL.indexOf(field.name);
  const first = fields
    .filter((field) => place(field) >= 0)
    .sort((a, b) => place(a) - place(b))
    .concat(fields.filter((field) => place(field) < 0 && active.has(field.name)));
  // A small dataset has few fields: then none needs a fold.
  if (first.length === 0) return { first: fields, more: [] };
  return { first, more: fields.filter((field) => !first.includes(field)) };
}
