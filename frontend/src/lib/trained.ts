/** Whether a model was trained on other images than the one it is asked about, as far as definitions tell. Pure. */
import type { Cohort, ImageRecord, Model } from "../api/types";
import { fromJson } from "./filter";

const FIELDS = [
  { field: "ViewPosition", name: "view" },
  { field: "FinalImageType", name: "kind" },
  { field: "ImageLateralityFinal", name: "side" },
  { field: "Manufacturer", name: "manufacturer" },
] as const;

/** Warnings in words, none when nothing speaks against asking. */
export function trainedOtherwise(
  record: Pick<ImageRecord, "dataset" | "image">,
  model: Pick<Model, "lineage">,
  cohort: Pick<Cohort, "definition"> | undefined,
): string[] {
  const { dataset } = model.lineage;
  const warnings =
    dataset && dataset !== record.dataset
      ? [`It was trained on ${dataset}; this image is of ${record.dataset}.`]
      : [];
  const filter = fromJson(cohort?.definition.filter ?? {});
  for (const { field, name } of FIELDS) {
    const condition = filter[field];
    if (!condition) continue;
    const cell = record.image[field];
    const value = cell === null || cell === undefined ? null : String(cell);
    const words = value ?? "not recorded";
    if (condition.in && !condition.in.includes(value)) {
      const only = condition.in.map((one) => one ?? "not recorded").join(" or ");
      warnings.push(`It was trained on ${only} only; the ${name} of this image is ${words}.`);
    } else if (condition.not?.includes(value)) {
      warnings.push(`Its training left out ${words}, which is the ${name} of this image.`);
    }
  }
  return warnings;
}

/** The networks that are told an assessment beside the picture. */
const TOLD = /^vit_[a-z0-9]+_(late|mid|early)/;

/** Whether a network can explain itself so: those have attention to look at, all others places for Grad-CAM. */
export function explains(method: string, architecture: string): boolean {
  return method !== (TOLD.test(architecture) ? "grad-cam" : "attention");
}
