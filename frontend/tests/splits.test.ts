import { describe, expect, it } from "vitest";
import { balanceOf } from "../src/lib/splits";

describe("the parts of a cohort", () => {
  it("stand in the order one uses them, classes before subgroups", () => {
    const { parts, groups } = balanceOf({
      splits: [
        { name: "test", images: 2, patients: 2, classes: { K: 2 } },
        { name: "train", images: 5, patients: 3, classes: { B: 4, K: 1 } },
      ],
      subgroups: [
        { attribute: "race", value: "White", images: { train: 5 }, patients: { train: 3 } },
        { attribute: "race", value: null, images: { test: 2 }, patients: { test: 2 } },
        { attribute: "age_band", value: "40-49", images: { train: 5 }, patients: { train: 3 } },
        { attribute: "age_band", value: "<30", images: { test: 2 }, patients: { test: 2 } },
      ],
    });
    expect(parts.map((part) => part.name)).toEqual(["train", "test"]);
    expect(groups.map((group) => group.attribute)).toEqual(["Class", "race", "age_band"]);
    expect(groups[0]?.values).toEqual([
      { value: "B", images: { test: 0, train: 4 } },
      { value: "K", images: { test: 2, train: 1 } },
    ]);
    expect(groups[1]?.values.map((one) => one.value)).toEqual(["White", null]);
    expect(groups[2]?.values.map((one) => one.value)).toEqual(["<30", "40-49"]);
  });
});
