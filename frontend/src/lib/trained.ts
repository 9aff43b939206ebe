/** Whether a model was trained on other images than the one it is asked about, as far as definitions tell. Pure. */
import type { Cohort, ImageRecord, Job, Member, Model } from "../api/types";
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

export interface Acquaintance {
  /** In a word or two. */
  readonly name: string;
  readonly words: string;
  /** Whether what the model says of the image is flattered by what it knows. */
  readonly knows: boolean;
}

type Placed = Pick<Member, "image_id" | "split">;
type Dealt = Pick<Job["spec"], "fold" | "protocol">;

const IN_SPLIT: Readonly<Record<Placed["split"], Acquaintance>> = {
  train: {
    name: "Training image",
    words: "The model has learnt from this very image: what it says here proves nothing.",
    knows: true,
  },
  validation: {
    name: "Validation image",
    words: "The model was chosen by how well it did on images like this one, and on this one.",
    knows: true,
  },
  test: {
    name: "Test image",
    words: "Not seen in training; it is one of those its figures come from.",
    knows: false,
  },
};

/** The published protocol trains on validation too and chooses the epoch on the test split. */
const AS_PUBLISHED: typeof IN_SPLIT = {
  train: IN_SPLIT.train,
  validation: IN_SPLIT.train,
  test: {
    name: "Test image",
    words:
      "Not learnt from, but the model was chosen by how well it did on it, and may know other images of this patient.",
    knows: true,
  },
};

/** Of which split the image is, by the members of the cohort that are of its patient; folds deal them anew. */
export function acquaintance(
  imageId: number,
  ofPatient: readonly Placed[],
  { fold: dealt, protocol }: Dealt,
): Acquaintance {
  const fold = dealt?.method;
  const own = ofPatient.find((one) => one.image_id === imageId);
  const kept = fold === undefined || (fold === "k-holdout" && own?.split === "test");
  if (own && !kept) {
    const words =
      "Its cohort was dealt anew for this fold: the model may have learnt from this image.";
    return { name: "Of its cohort", words, knows: true };
  }
  if (own) return (protocol === "published" ? AS_PUBLISHED : IN_SPLIT)[own.split];
  const learnt = ofPatient.filter((one) => fold === "k-fold" || one.split !== "test").length;
  if (learnt > 0) {
    const [images, were] =
      learnt === 1 ? ["another image", "was"] : [`${learnt} other images`, "were"];
    const words = `This image is new to the model, but ${images} of this patient ${were} in its training or validation.`;
    return { name: "Patient known", words, knows: true };
  }
  return { name: "Unseen", words: "No image of this patient was in its training.", knows: false };
}

/** The networks that are told an assessment beside the picture. */
const TOLD = /^vit_[a-z0-9]+_(late|mid|early)/;

/** Whether a network can explain itself so: those have attention to look at, all others places for Grad-CAM. */
export function explains(method: string, architecture: string): boolean {
  return method !== (TOLD.test(architecture) ? "grad-cam" : "attention");
}
