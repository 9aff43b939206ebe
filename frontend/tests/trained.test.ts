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

const PLAIN = { protocol: "patient" as const };
const foldOf = (method: "k-fold" | "k-holdout") => ({
  ...PLAIN,
  fold: { method, count: 4, index: 0, seed: 0 },
});

describe("what a model knows of an image", () => {
  const train = [
    { image_id: 1, split: "train" },
    { image_id: 2, split: "train" },
  ] as const;
  const test = [{ image_id: 3, split: "test" }] as const;

  it("is its split, and a training image is told apart", () => {
    expect(acquaintance(1, train, PLAIN)).toMatchObject({
      name: "Training image",
      knows: true,
    });
    expect(acquaintance(3, test, PLAIN)).toMatchObject({ name: "Test image", knows: false });
    expect(acquaintance(9, [], PLAIN)).toMatchObject({ name: "Unseen", knows: false });
  });

  it("is its patient, where other images of theirs were learnt from", () => {
    const known = acquaintance(9, train, PLAIN);
    expect(known).toMatchObject({ name: "Patient known", knows: true });
    expect(known.words).toContain("2 other images of this patient were");
    expect(acquaintance(9, test, PLAIN).name).toBe("Unseen");
    expect(acquaintance(9, test, foldOf("k-fold")).name).toBe("Patient known");
  });

  it("is not claimed where folds dealt the cohort anew", () => {
    expect(acquaintance(3, test, foldOf("k-fold"))).toMatchObject({
      name: "Of its cohort",
      knows: true,
    });
    expect(acquaintance(3, test, foldOf("k-holdout"))).toMatchObject({
      name: "Test image",
      knows: false,
    });
    expect(acquaintance(1, train, foldOf("k-holdout")).knows).toBe(true);
  });

  it("is flattered in every split of the published protocol", () => {
    const published = { protocol: "published" as const };
    expect(acquaintance(3, test, published)).toMatchObject({ name: "Test image", knows: true });
    const held = [{ image_id: 4, split: "validation" }] as const;
    expect(acquaintance(4, held, published).name).toBe("Training image");
    expect(acquaintance(4, held, PLAIN).name).toBe("Validation image");
  });
});
