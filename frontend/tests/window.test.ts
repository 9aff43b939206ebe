import { describe, expect, it } from "vitest";
import { defaultWindow, dragWindow, parseWindow, previewOf } from "../src/lib/window";
import { FITTED, panBy, parseView, viewText, zoomAt } from "../src/lib/zoom";

describe("the window", () => {
  it("is the file's own, the first of several", () => {
    expect(defaultWindow({ WindowCenter: "[2047, 1500]", WindowWidth: "[4096, 900]" })).toEqual({
      center: 2047,
      width: 4096,
    });
  });

  it("is the range of the stored bits where the file has none", () => {
    expect(defaultWindow({ BitsStored: 10 })).toEqual({ center: 512, width: 1024 });
  });

  it("widens to the right and never closes", () => {
    const from = { center: 2000, width: 4000 };
    expect(dragWindow(from, 100, 0, 1000)).toEqual({ center: 2000, width: 4800 });
    expect(dragWindow(from, -5000, 0, 1000).width).toBe(2);
  });

  it("previews by a line through the grey values", () => {
    const from = { center: 2000, width: 4000 };
    expect(previewOf(from, from)).toEqual({ slope: 1, intercept: 0 });
    // The stored value 1000 is black at 1000..3000; shown at 0..4000 it was a quarter grey.
    const { slope, intercept } = previewOf(from, { center: 2000, width: 2000 });
    expect(0.25 * slope + intercept).toBeCloseTo(0);
    expect(0.75 * slope + intercept).toBeCloseTo(1);
  });

  it("reads the address and refuses nonsense", () => {
    expect(parseWindow("540,580")).toEqual({ center: 540, width: 580 });
    for (const text of [null, "", "540", "a,b", "540,0"]) expect(parseWindow(text)).toBeNull();
  });
});

describe("the zoom", () => {
  it("keeps the point under the pointer", () => {
    const view = zoomAt(FITTED, 2, 0.25, 0);
    // The point at 0.25 of the fitted picture stands at x + 0.25 * scale.
    expect(view.x + 0.25 * view.scale).toBeCloseTo(0.25);
  });

  it("never goes below the whole picture nor leaves the frame", () => {
    expect(zoomAt(FITTED, 0.5, 0, 0)).toEqual(FITTED);
    expect(panBy({ scale: 2, x: 0, y: 0 }, 5, -5)).toEqual({ scale: 2, x: 0.5, y: -0.5 });
  });

  it("goes through the address", () => {
    expect(parseView(viewText({ scale: 2, x: 0.25, y: -0.1 }))).toEqual({
      scale: 2,
      x: 0.25,
      y: -0.1,
    });
    expect(viewText(FITTED)).toBeNull();
    expect(parseView("x,1,2")).toEqual(FITTED);
  });
});
