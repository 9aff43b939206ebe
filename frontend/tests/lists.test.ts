import { describe, expect, it } from "vitest";
import { csvText } from "../src/lib/download";
import { layoutGroups, moveInGroups, rowsBetween } from "../src/lib/grouping";
import { countOf, misclassified, parsePredictions } from "../src/lib/predictions";

describe("groups", () => {
  const layout = layoutGroups(["a", "a", "a", "b"], 2, 100, 20, (places) => [...places].reverse());
  it("begin with a headline and break rows at their columns", () => {
    expect(layout.rows.map((row) => [row.top, row.places])).toEqual([
      [0, []],
      [20, [2, 1]],
      [120, [0]],
      [220, []],
      [240, [3]],
    ]);
    expect(layout.height).toBe(340);
    expect(layout.rowOf).toEqual([2, 1, 1, 4]);
  });
  it("are found by height", () => {
    expect(rowsBetween(layout, 119, 121)).toEqual({ first: 1, last: 3 });
    expect(rowsBetween(layout, 240, 900)).toEqual({ first: 4, last: 5 });
  });
  it("are walked in the order one sees", () => {
    expect(moveInGroups(layout, 1, "ArrowRight")).toBe(0);
    expect(moveInGroups(layout, 2, "ArrowDown")).toBe(0);
    expect(moveInGroups(layout, 0, "ArrowDown")).toBe(3);
    expect(moveInGroups(layout, 3, "ArrowRight")).toBe(3);
  });
});

describe("tables", () => {
  it("quote what must be quoted", () => {
    expect(csvText([["a,b", 'say "x"', null, 7]])).toBe('"a,b","say ""x""",,7\r\n');
  });
  it("tell the surest errors first", () => {
    const text = "image_id,label,p_B,p_K\n1,B,0.9,0.1\n2,B,0.4,0.6\n3,K,0.8,0.2\n";
    const { unit, rows } = parsePredictions(text, "cohort");
    expect(unit).toBe("image");
    expect(misclassified(rows)).toEqual([
      { key: "3", label: "K", said: "B", share: 0.8 },
      { key: "2", label: "B", said: "K", share: 0.6 },
    ]);
  });
  it("say whether a row is an image, an exam with all its digits, or a place in an array", () => {
    const rows = "label,p_B,p_K\n9876543210987655,B,0.4,0.6\n";
    const exams = parsePredictions(`exam_id,${rows}`, "cohort");
    expect(exams.unit).toBe("exam");
    expect(exams.rows.map((one) => one.key)).toEqual(["9876543210987655"]);
    expect(parsePredictions(`image_id,${rows}`, "patches").unit).toBe("patch");
    expect(parsePredictions(`image_id,${rows}`, "array").unit).toBe("sample");
    expect(countOf(2, "patch", "test")).toBe("2 test patches");
    expect(countOf(1, "exam")).toBe("1 exam");
  });
});
