import { describe, expect, it } from "vitest";
import {
  combinations,
  compositionProblem,
  compositionRequest,
  compositionWords,
  parseComposition,
} from "../src/lib/composition";
import { formFields } from "../src/lib/schema";

const fields = formFields({
  properties: {
    learning_rate: { type: "number", exclusiveMinimum: 0, maximum: 1, default: 0.001 },
    model: { type: "string", enum: ["resnet18", "convnext_tiny"], default: "resnet18" },
  },
});
const draft = (query: string) => parseComposition(new URLSearchParams(query));

describe("a job made of jobs", () => {
  it("is as the experiment declares unless the form says otherwise", () => {
    expect(compositionRequest(draft(""), fields)).toEqual({});
    expect(compositionRequest(draft("_made=one"), fields)).toEqual({ composition: null });
    expect(compositionProblem(draft("_made=nonsense"), fields)).toBeNull();
  });

  it("is a sweep over every combination, each value once and of its own type", () => {
    const sweep = draft(
      "_made=sweep&_g.learning_rate=0.001, 0.01,0.001&_g.model=resnet18,convnext_tiny",
    );
    expect(compositionProblem(sweep, fields)).toBeNull();
    expect(combinations(sweep)).toBe(4);
    const grid = { learning_rate: [0.001, 0.01], model: ["resnet18", "convnext_tiny"] };
    expect(compositionRequest(sweep, fields)).toEqual({
      composition: { kind: "sweep", grid, runs: [] },
    });
  });

  it("is refused before the server has to", () => {
    expect(compositionProblem(draft("_made=sweep"), fields)).toBe("Choose a setting to vary.");
    expect(compositionProblem(draft("_made=sweep&_g.learning_rate=0.1"), fields)).toContain(
      "this has 1",
    );
    expect(compositionProblem(draft("_made=sweep&_g.learning_rate=0.1,5"), fields)).toContain(
      "not accepted",
    );
    expect(compositionProblem(draft("_made=sweep&_g.colour=1,2"), fields)).toContain("colour");
    for (const count of ["1", "21", "x", " ", "2.5"])
      expect(compositionProblem(draft(`_made=folds&_folds=${count}`), fields)).not.toBeNull();
  });

  it("is folds of the patients", () => {
    const folds = draft("_made=folds&_folds=4&_method=k-holdout");
    expect(compositionProblem(folds, fields)).toBeNull();
    const composition = { kind: "folds", count: 4, method: "k-holdout", seed: 0 } as const;
    expect(compositionRequest(folds, fields)).toEqual({ composition });
    expect(compositionWords(composition)).toBe("4 folds (k-holdout)");
  });
});
