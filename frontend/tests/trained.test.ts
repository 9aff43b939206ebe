import { describe, expect, it } from "vitest";
import { acquaintance, explains } from "../src/lib/trained";

it("attention is offered for networks that are told an assessment, Grad-CAM for all others", () => {
  expect(explains("attention", "vit_ti16_late_mlp")).toBe(true);
  expect(explains("grad-cam", "vit_b16_mid")).toBe(false);
  for (const plain of ["resnet18", "vit_b_16", "convnext_tiny", ""]) {
    expect(explains("attention", plain)).toBe(false);
    expect(explains("grad-cam", plain)).toBe(true);
    expect(explains("saliency", plain)).toBe(true);
  }
});

describe("what a model knows of an image", () => {
  const train = [
    { image_id: 1, split: "train" },
    { image_id: 2, split: "train" },
  ] as const;
  const test = [{ image_id: 3, split: "test" }] as const;

  it("is its split, and a training image is told apart", () => {
    expect(acquaintance(1, train, undefined)).toMatchObject({
      name: "Training image",
      knows: true,
    });
    expect(acquaintance(3, test, undefined)).toMatchObject({ name: "Test image", knows: false });
    expect(acquaintance(9, [], undefined)).toMatchObject({ name: "Unseen", knows: false });
  });

  it("is its patient, where other images of theirs were learnt from", () => {
    const known = acquaintance(9, train, undefined);
    expect(known).toMatchObject({ name: "Patient known", knows: true });
    expect(known.words).toContain("2 other images of this patient were");
    expect(acquaintance(9, test, undefined).name).toBe("Unseen");
    expect(acquaintance(9, test, "k-fold").name).toBe("Patient known");
  });

  it("is not claimed where folds dealt the cohort anew", () => {
    expect(acquaintance(3, test, "k-fold")).toMatchObject({ name: "Of its cohort", knows: true });
    expect(acquaintance(3, test, "k-holdout")).toMatchObject({ name: "Test image", knows: false });
    expect(acquaintance(1, train, "k-holdout").knows).toBe(true);
  });
});
