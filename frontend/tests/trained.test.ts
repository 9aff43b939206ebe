import { expect, it } from "vitest";
import { explains } from "../src/lib/trained";

it("attention is offered for networks that are told an assessment, Grad-CAM for all others", () => {
  expect(explains("attention", "vit_ti16_late_mlp")).toBe(true);
  expect(explains("grad-cam", "vit_b16_mid")).toBe(false);
  for (const plain of ["resnet18", "vit_b_16", "convnext_tiny", ""]) {
    expect(explains("attention", plain)).toBe(false);
    expect(explains("grad-cam", plain)).toBe(true);
    expect(explains("saliency", plain)).toBe(true);
  }
});
