import { describe, expect, it } from "vitest";
import {
  combinations,
  compositionProblem,
  compositionRequest,
  compositionWords,
  parseComposition,
} from "../src/lib/composition";
import { cannotJoin, isOn, type Trained } from "../src/lib/ensemble";
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

  it("takes two folds where the test split stays, three where each is the test once", () => {
    expect(compositionProblem(draft("_made=folds&_folds=2"), fields)).toContain("from 3");
    expect(compositionProblem(draft("_made=folds&_folds=2&_method=k-holdout"), fields)).toBeNull();
  });

  it("is folds of the patients", () => {
    const folds = draft("_made=folds&_folds=4&_method=k-holdout");
    expect(compositionProblem(folds, fields)).toBeNull();
    const composition = { kind: "folds", count: 4, method: "k-holdout", seed: 0 } as const;
    expect(compositionRequest(folds, fields)).toEqual({ composition });
    expect(compositionWords(composition)).toBe("4 folds (k-holdout)");
  });

  it("is an ensemble of two to twenty jobs", () => {
    expect(compositionProblem(draft("_made=ensemble&_jobs=a"), fields)).toBe(
      "Choose 2 to 20 jobs.",
    );
    const two = draft("_made=ensemble&_jobs=a,b");
    expect(compositionProblem(two, fields)).toBeNull();
    const composition = { kind: "ensemble", members: [], jobs: ["a", "b"] };
    expect(compositionRequest(two, fields)).toEqual({ composition });
  });
});

describe("jobs that can be averaged", () => {
  const source = { kind: "cohort", cohort_id: "c" };
  const spec = { source, fold: null, protocol: "patient", settings: { permute_labels: null } };
  const job = (more: object = {}, changed: object = {}) =>
    ({
      job_id: "1",
      name: "one",
      state: "succeeded",
      spec: { ...spec, ...changed },
      ...more,
    }) as Trained;

  it("have succeeded, alone, and still have their predictions", () => {
    expect(cannotJoin(job(), undefined)).toBeNull();
    expect(cannotJoin(job({ state: "failed" }), undefined)).toBe("it is failed");
    expect(cannotJoin(job({ children: { total: 2 } }), undefined)).toContain("made of jobs");
    expect(cannotJoin(job({ expired_at: "2026-01-01" }), undefined)).toContain("let go");
  });

  it("were tested on the same images as the first", () => {
    const other = (changed: object) => job({ job_id: "2" }, changed);
    const fold = { method: "k-fold", count: 5, index: 0, seed: 0 };
    expect(cannotJoin(other({ fold }), job())).toContain("tested on other images than one");
    expect(cannotJoin(other({ fold: { ...fold, method: "k-holdout" } }), job())).toBeNull();
    expect(cannotJoin(other({ protocol: "published" }), job())).not.toBeNull();
    expect(cannotJoin(other({ settings: { permute_labels: 3 } }), job())).not.toBeNull();
    expect(cannotJoin(job({}, { fold }), job({}, { fold }))).toBeNull();
  });

  it("lie on the data of the form", () => {
    expect(isOn(job(), { cohort: "c", array: "" })).toBe(true);
    expect(isOn(job(), { cohort: "d", array: "c" })).toBe(false);
    const array = job({}, { source: { kind: "array", name: "c" } });
    expect(isOn(array, { cohort: "c", array: "" })).toBe(false);
    expect(isOn(array, { cohort: "", array: "c" })).toBe(true);
  });
});
