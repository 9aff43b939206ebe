/** Jobs made of jobs: what stands in the address, and what the API is told. Pure. */
import type { JobRequest } from "../api/types";
import { plural } from "./format";
import { type FormField, fieldProblem, fieldValue } from "./schema";

export type Composition = NonNullable<JobRequest["composition"]>;
/** `declared` is as the experiment says; `one` is a single job all the same. */
export type Kind = "declared" | "one" | "sweep" | "folds" | "ensemble";

export interface CompositionDraft {
  readonly kind: Kind;
  /** Texts of values by setting, split by commas. */
  readonly grid: ReadonlyMap<string, string>;
  readonly folds: string;
  readonly method: "k-fold" | "k-holdout";
  /** Ids of jobs to average. */
  readonly jobs: readonly string[];
}

const KINDS: readonly Kind[] = ["declared", "one", "sweep", "folds", "ensemble"];
export const GRID_PREFIX = "_g.";
const FOLDS = "5";
const [LEAST_CHILDREN, MOST_CHILDREN] = [2, 100];
const [LEAST_JOBS, MOST_JOBS] = [2, 20];
const LEAST_FOLDS = { "k-fold": 3, "k-holdout": 2 };
const MOST_FOLDS = 20;

export function parseComposition(query: URLSearchParams): CompositionDraft {
  const pairs = [...query].filter(([key]) => key.startsWith(GRID_PREFIX));
  return {
    kind: KINDS.find((one) => one === query.get("_made")) ?? "declared",
    grid: new Map(pairs.map(([key, text]) => [key.slice(GRID_PREFIX.length), text])),
    folds: query.get("_folds") ?? FOLDS,
    method: query.get("_method") === "k-holdout" ? "k-holdout" : "k-fold",
    jobs: (query.get("_jobs") ?? "").split(",").filter(Boolean),
  };
}

/** `0.001, 0.0001` is two texts; the same one twice is one. */
export function gridTexts(text: string): string[] {
  const texts = text.split(",").map((one) => one.trim());
  return [...new Set(texts.filter(Boolean))];
}

export function gridProblem(field: FormField, text: string): string | null {
  const texts = gridTexts(text);
  if (texts.length === 0) return "Values to try, with commas between them.";
  const wrong = texts.find((one) => fieldProblem(field, one) !== null);
  return wrong === undefined ? null : `${wrong}: ${fieldProblem(field, wrong)}`;
}

export function combinations(draft: CompositionDraft): number {
  const sizes = [...draft.grid.values()].map((text) => gridTexts(text).length);
  return sizes.length === 0 ? 0 : sizes.reduce((product, size) => product * size, 1);
}

/** What is wrong with the whole, in words; null when nothing. */
export function compositionProblem(
  draft: CompositionDraft,
  fields: readonly FormField[],
): string | null {
  if (draft.kind === "folds") {
    const count = Number(draft.folds);
    const least = LEAST_FOLDS[draft.method];
    const fine = Number.isInteger(count) && count >= least && count <= MOST_FOLDS;
    return fine ? null : `A whole number of folds from ${least} to ${MOST_FOLDS}.`;
  }
  if (draft.kind === "ensemble") {
    const few = draft.jobs.length < LEAST_JOBS || draft.jobs.length > MOST_JOBS;
    return few ? `Choose ${LEAST_JOBS} to ${MOST_JOBS} jobs.` : null;
  }
  if (draft.kind !== "sweep") return null;
  if (draft.grid.size === 0) return "Choose a setting to vary.";
  for (const [name, text] of draft.grid) {
    const field = fields.find((one) => one.name === name);
    if (!field) return `${name} is no setting of this experiment.`;
    if (gridProblem(field, text)) return "Some values are missing or not accepted.";
  }
  const count = combinations(draft);
  if (count >= LEAST_CHILDREN && count <= MOST_CHILDREN) return null;
  return `A sweep has ${LEAST_CHILDREN} to ${MOST_CHILDREN} jobs; this has ${count}.`;
}

/** The part of the request; nothing where the experiment decides. */
export function compositionRequest(
  draft: CompositionDraft,
  fields: readonly FormField[],
): Pick<JobRequest, "composition"> {
  if (draft.kind === "declared") return {};
  if (draft.kind === "one") return { composition: null };
  if (draft.kind === "folds")
    return {
      composition: { kind: "folds", count: Number(draft.folds), method: draft.method, seed: 0 },
    };
  if (draft.kind === "ensemble")
    return { composition: { kind: "ensemble", members: [], jobs: [...draft.jobs] } };
  const grid: Record<string, unknown[]> = {};
  for (const [name, text] of draft.grid) {
    const field = fields.find((one) => one.name === name);
    if (field) grid[name] = gridTexts(text).map((one) => fieldValue(field, one));
  }
  return { composition: { kind: "sweep", grid, runs: [] } };
}

/** `4 folds`, `a sweep over hidden units and batch size`. */
export function compositionWords(composition: Composition): string {
  if (composition.kind === "folds") return `${composition.count} folds (${composition.method})`;
  if (composition.kind === "ensemble") {
    const members = composition.members.length + composition.jobs.length;
    return `an ensemble of ${plural(members, "job")}`;
  }
  const names = Object.keys(composition.grid).map((name) => name.replaceAll("_", " "));
  const runs = composition.runs.length ? plural(composition.runs.length, "run") : "";
  return `a sweep over ${[...names, runs].filter(Boolean).join(" and ")}`;
}
