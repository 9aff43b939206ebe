import { describe, expect, it } from "vitest";
import {
  classText,
  definitionOf,
  draftPairs,
  draftProblem,
  expectedPairs,
  parseClass,
  parseDraft,
} from "../src/lib/cohort";
import { filterPairs } from "../src/lib/filter";

const parse = (text: string) => parseDraft(new URLSearchParams(text));

describe("a cohort in the address", () => {
  it("starts with B against K, split by patient", () => {
    const draft = parse("tissueden=4");
    expect(definitionOf(draft, "embed", "x")).toEqual({
      name: "x",
      dataset: "embed",
      filter: { tissueden: ["4"] },
      label: {
        field: "asses",
        classes: [
          { name: "B", values: ["B"] },
          { name: "K", values: ["K"] },
        ],
        policy: "worst",
      },
      sampling: { per_class: 100 },
      split: { by: "patient", train: 0.7, validation: 0.1, test: 0.2 },
      seed: 7,
    });
  });

  it("survives the round trip, whatever stands in a name or a code", () => {
    const draft = {
      ...parse("asses=S"),
      classes: [
        { name: "a: b, c", values: ["+", "a,b"] },
        { name: "none", values: [null] },
      ],
      cap: null,
      by: "image" as const,
    };
    const text = new URLSearchParams([
      ...filterPairs(draft.filter),
      ...draftPairs(draft),
    ]).toString();
    expect(parse(text)).toEqual(draft);
    expect(parseClass(classText({ name: "", values: [] }))).toEqual({ name: "", values: [] });
  });

  it("is the one that an experiment expects", () => {
    const label = {
      field: "path_severity",
      policy: "worst" as const,
      classes: [{ name: "cancer", values: [0, 1] }],
    };
    const split = { by: "patient" as const, train: 0.7, validation: 0.15, test: 0.15 };
    const filter = { ViewPosition: ["CC"] };
    const pairs = expectedPairs({ label, sampling: { per_class: 200 }, split, filter });
    expect(definitionOf(parseDraft(new URLSearchParams(pairs)), "embed", "x")).toMatchObject({
      label: { ...label, classes: [{ name: "cancer", values: ["0", "1"] }] },
      sampling: { per_class: 200 },
      split,
      filter,
    });
  });

  it("takes parts of any sum", () => {
    const { split } = definitionOf(parse("_split=7-1-2"), "embed", "x");
    expect(split).toMatchObject({ train: 0.7, validation: 0.1, test: 0.2 });
  });

  it("says what must be put right first", () => {
    expect(draftProblem(parse(""))).toBeNull();
    expect(draftProblem(parse("_class=B:B"))).toMatch(/two classes/);
    expect(draftProblem(parse("_class=B:B&_class=K:"))).toMatch(/no values/);
    expect(draftProblem(parse("_class=B:B&_class=B:K"))).toMatch(/same name/);
    expect(draftProblem(parse("_class=B:B&_class=K:K,B"))).toMatch(/two classes/);
    expect(draftProblem(parse("_cap=0"))).toMatch(/At least 1/);
  });
});
