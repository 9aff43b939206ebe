import { describe, expect, it } from "vitest";
import { lengthBetween, mirroredPart, partInSight, spacingOf } from "../src/lib/deep";

const CELL = { width: 800, height: 600 };
const FRAME = { left: 150, top: 0, width: 500, height: 600 };

describe("what of an image a film shows", () => {
  it("is the whole cell at rest, in parts of the image's width", () => {
    const part = partInSight(CELL, FRAME, { scale: 1, x: 0, y: 0 });
    expect(part.x).toBeCloseTo(-0.3);
    expect(part.y).toBeCloseTo(0);
    expect([part.width, part.height]).toEqual([1.6, 1.2]);
  });
  it("shrinks about the middle of the frame when zoomed", () => {
    const part = partInSight(CELL, FRAME, { scale: 2, x: 0, y: 0 });
    expect(part.width).toBeCloseTo(0.8);
    expect(part.x + part.width / 2).toBeCloseTo(0.5);
    expect(part.y + part.height / 2).toBeCloseTo(0.6);
  });
  it("moves against the picture when it is panned", () => {
    const part = partInSight(CELL, FRAME, { scale: 2, x: 0.25, y: 0 });
    expect(part.x + part.width / 2).toBeCloseTo(0.375);
  });
  it("is the other side of a mirrored picture", () => {
    expect(mirroredPart({ x: 0.1, y: 0.2, width: 0.3, height: 0.4 }).x).toBeCloseTo(0.6);
  });
});

describe("lengths", () => {
  it("are in the plane of the breast where the magnification is told", () => {
    const columns = {
      ImagerPixelSpacing: "[0.1, 0.1]",
      EstimatedRadiographicMagnificationFactor: 1.25,
    };
    const spacing = spacingOf(columns);
    expect(spacing).toEqual({ row: 0.08, column: 0.08, plane: "breast" });
    const found = lengthBetween({ x: 0, y: 0 }, { x: 0.3, y: 0.4 }, 1000, 1000, spacing);
    expect(found.pixels).toBeCloseTo(500);
    expect(found.millimetres).toBeCloseTo(40);
  });
  it("are pixels where no spacing is told, and of the detector without a magnification", () => {
    expect(spacingOf({})).toBeNull();
    expect(spacingOf({ PixelSpacing: "[0.1, 0.2]" })).toEqual({
      row: 0.1,
      column: 0.2,
      plane: "detector",
    });
    const found = lengthBetween({ x: 0, y: 0 }, { x: 1, y: 0 }, 10, 20, null);
    expect(found).toEqual({ pixels: 20, millimetres: null });
  });
});
