import { describe, expect, it } from "vitest";
import { epochScale, niceScale } from "../src/lib/scale";

describe("scales", () => {
  it("ticks every epoch where there is room, else every so many from the first", () => {
    expect(epochScale(4, 400)).toEqual({ min: 1, max: 4, ticks: [1, 2, 3, 4] });
    expect(epochScale(12, 300).ticks).toEqual([1, 4, 7, 10]);
  });

  it("ends on round numbers", () => {
    expect(niceScale(0, 1).ticks).toEqual([0, 0.5, 1]);
    expect(niceScale(0, 6.3)).toMatchObject({ min: 0, max: 8 });
  });
});
