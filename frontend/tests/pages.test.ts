import { describe, expect, it } from "vitest";
import { gridShape, moveFocus, TALL, visibleRange } from "../src/lib/grid";
import { figuresOf } from "../src/lib/metrics";
import { mergeOptions } from "../src/lib/options";
import { linePath, niceScale } from "../src/lib/scale";
import { guessTarget } from "../src/shell/target";

describe("the virtual grid", () => {
  const shape = gridShape(1004, 480_323, 196, 4);

  it("fills the width with equal tiles", () => {
    expect([shape.columns, shape.tile, shape.rows]).toEqual([5, 197.6, 96_065]);
    expect(shape.rowHeight).toBeCloseTo(197.6 * TALL + 4);
  });

  it("keeps only what is in sight and two rows around it", () => {
    const top = shape.rowHeight * 50_000;
    expect(visibleRange(shape, top, shape.rowHeight * 3, 480_323)).toEqual({
      first: 249_990,
      last: 250_025,
    });
    expect(visibleRange(shape, 0, 100, 3)).toEqual({ first: 0, last: 3 });
  });

  it("moves by keys and stops at the ends", () => {
    expect(moveFocus(7, "ArrowDown", 5, 100)).toBe(12);
    expect(moveFocus(2, "ArrowUp", 5, 100)).toBe(0);
    expect(moveFocus(2, "End", 5, 100)).toBe(99);
    expect(moveFocus(2, "x", 5, 100)).toBe(2);
  });
});

describe("the options of a facet", () => {
  const field = {
    name: "ViewPosition",
    label: "View",
    description: "",
    multiple: false,
    level: "image" as const,
    kind: "category" as const,
    options: [
      { value: "CC", label: "CC", count: 9 },
      { value: "MLO", label: "MLO", count: 9 },
    ],
    range: null,
  };

  it("stay in place with fresh counts, none of them lost", () => {
    const merged = mergeOptions(field, [{ value: "MLO", label: "MLO", count: 4 }], {
      not: ["XCCL"],
    });
    expect(merged.map((option) => [option.value, option.count])).toEqual([
      ["CC", 0],
      ["MLO", 4],
      ["XCCL", 0],
    ]);
  });

  it("run in the order of suspicion for assessments", () => {
    const asses = {
      ...field,
      name: "asses",
      options: ["A", "K", "N", "S"].map((value) => ({ value, label: value, count: 1 })),
    };
    expect(mergeOptions(asses, undefined, {}).map((option) => option.value)).toEqual([
      "N",
      "A",
      "S",
      "K",
    ]);
  });
});

describe("ids", () => {
  it("tell by their shape where they lead", () => {
    expect(guessTarget("4000000000000001")).toBe("/explore?acc_anon=4000000000000001");
    expect(guessTarget("12345678")).toBe("/explore?empi_anon=12345678");
    expect(guessTarget("771")).toBe("/images/771");
    expect(guessTarget("0b9f6a1e-5f7e-4d6c-9b7e-2d9b8f3c1a11")).toBeNull();
  });
});

describe("charts", () => {
  it("end their scale on round numbers", () => {
    expect(niceScale(0, 0.73)).toEqual({ min: 0, max: 0.8, ticks: [0, 0.2, 0.4, 0.6, 0.8] });
    expect(niceScale(3, 3).max).toBeGreaterThan(3);
    expect(niceScale(Number.NaN, 1).ticks).toEqual([0, 1]);
  });

  it("leave a gap where a value is missing", () => {
    expect(
      linePath([
        [0, 1],
        [1, null],
        [2, 3],
        [3, 4],
      ]),
    ).toBe("M0.0 1.0M2.0 3.0L3.0 4.0");
  });

  it("order the figures and leave counts out", () => {
    const figures = figuresOf({
      n: 40,
      patients: 37,
      accuracy: 0.9,
      recall: { B: { value: 1, low: 0.8, high: 1 } },
      roc_auc: { value: 0.93, low: 0.8, high: 0.99 },
      note: "x",
    });
    expect(figures.map((figure) => [figure.label, figure.value, figure.low])).toEqual([
      ["ROC-AUC", 0.93, 0.8],
      ["Accuracy", 0.9, null],
      ["Recall of B", 1, 0.8],
    ]);
  });
});
