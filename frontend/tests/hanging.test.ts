import { describe, expect, it } from "vitest";
import { hangExam, isMirrored, readingOrder, roiBox } from "../src/lib/hanging";

const image = (id: number, side: string, view: string, kind = "2D") => ({
  image_id: id,
  ImageLateralityFinal: side,
  ViewPosition: view,
  FinalImageType: kind,
});
const [lmlo, rcc, lcc, rmlo] = [
  image(1, "L", "MLO"),
  image(2, "R", "CC"),
  image(3, "L", "CC"),
  image(4, "R", "MLO"),
];

describe("the hanging", () => {
  it("puts each view in its slot", () => {
    const hung = hangExam(lmlo, [rcc, lcc, rmlo]);
    const ids = ["RCC", "LCC", "RMLO", "LMLO"].map((slot) => hung.get(slot as "RCC")?.image_id);
    expect(ids).toEqual([2, 3, 4, 1]);
  });

  it("keeps the current image where a repeated view would come first", () => {
    const repeat = image(9, "L", "CC");
    expect(hangExam(repeat, [lcc, rcc]).get("LCC")?.image_id).toBe(9);
  });

  it("hangs C-View beside C-View, and 2D where there is none", () => {
    const twin = image(5, "R", "CC", "cview");
    const other = image(6, "L", "CC", "cview");
    const hung = hangExam(twin, [rcc, lcc, other, rmlo]);
    expect([hung.get("LCC")?.image_id, hung.get("RMLO")?.image_id]).toEqual([6, 4]);
  });

  it("leaves special views out of the four", () => {
    expect(hangExam(image(7, "L", "ML"), []).size).toBe(0);
  });

  it("reads hanging order first, C-View after 2D", () => {
    const twin = image(0, "R", "CC", "cview");
    const order = readingOrder([twin, lmlo, rcc, lcc, rmlo, image(8, "L", "ML")]);
    expect(order.map((one) => one.image_id)).toEqual([2, 3, 4, 1, 8, 0]);
  });
});

describe("a ROI on the picture", () => {
  const roi = { ymin: 100, xmin: 200, ymax: 300, xmax: 600 };

  it("stands where the chest-wall-left frame says on a left breast", () => {
    expect(roiBox(roi, 1000, 2000, false)).toEqual({ left: 10, top: 10, width: 20, height: 20 });
  });

  it("is mirrored with a right breast", () => {
    expect(isMirrored(rcc)).toBe(true);
    expect(roiBox(roi, 1000, 2000, true)).toEqual({ left: 70, top: 10, width: 20, height: 20 });
  });
});
