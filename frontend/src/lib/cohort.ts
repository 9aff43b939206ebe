/** A cohort being thought about: everything one chooses, as parameters of an address and as the API's definition. */
import type { CohortDefinition, ExpectedCohort, FlagKind, Policy, RecipeName } from "../api/types";
import { type Filter, filterJson, filterPairs, fromJson, parseFilter, type Value } from "./filter";

export interface ClassDraft {
  readonly name: string;
  readonly values: readonly Value[];
}

export interface CohortDraft {
  readonly filter: Filter;
  readonly field: string;
  readonly classes: readonly ClassDraft[];
  readonly policy: Policy;
  /** Images per class at most; null takes all. */
  readonly cap: number | null;
  readonly split: readonly [number, number, number];
  readonly by: "patient" | "image";
  readonly seed: number;
  /** A published curation that chooses and labels the images instead of the classes here. */
  readonly recipe: string | null;
  readonly match: MatchDraft | null;
  /** Images flagged so are left out. */
  readonly withoutFlags: readonly FlagKind[];
}

export type Matched = "age" | "density" | "manufacturer" | "year";
export const MATCHABLE: readonly Matched[] = ["age", "density", "manufacturer", "year"];

/** Control exams for each exam of the class `cases`, alike in what `on` names. */
export interface MatchDraft {
  readonly cases: string;
  readonly on: readonly Matched[];
  readonly controls: number;
}

/** Benign against biopsy-proven malignant: the first question of most teams. */
const DEFAULTS = {
  field: "asses",
  classes: ["B:B", "K:K"],
  policy: "worst",
  cap: "100",
  split: "70-10-20",
  by: "patient",
  seed: "7",
} as const;

const POLICIES: readonly Policy[] = ["worst", "exclude", "finding"];

/** `B or worse:S,M,K`: a name and codes; commas and colons inside are percent-encoded. */
export function classText(one: ClassDraft): string {
  const codes = one.values.map((value) => encodeURIComponent(value ?? "null")).join(",");
  return `${encodeURIComponent(one.name)}:${codes}`;
}

export function parseClass(text: string): ClassDraft {
  const [name = "", codes = ""] = text.split(":");
  const values = codes.split(",").filter(Boolean).map(decodeURIComponent);
  return {
    name: decodeURIComponent(name),
    values: values.map((code) => (code === "null" ? null : code)),
  };
}

function parseSplit(text: string): [number, number, number] {
  const [train = 70, validation = 10, test = 20] = text.split("-").map(Number);
  return [train, validation, test];
}

const whole = (text: string | null, otherwise: number): number => {
  const n = Number.parseInt(text ?? "", 10);
  return Number.isFinite(n) ? n : otherwise;
};

export function parseDraft(query: URLSearchParams): CohortDraft {
  const classes = query.getAll("_class");
  const policy = POLICIES.find((one) => one === query.get("_policy")) ?? DEFAULTS.policy;
  const cap = query.get("_cap") ?? DEFAULTS.cap;
  return {
    filter: parseFilter(query),
    field: query.get("_label") ?? DEFAULTS.field,
    classes: (classes.length ? classes : DEFAULTS.classes).map(parseClass),
    policy,
    cap: cap === "all" ? null : whole(cap, 100),
    split: parseSplit(query.get("_split") ?? DEFAULTS.split),
    by: query.get("_by") === "image" ? "image" : "patient",
    seed: whole(query.get("_seed"), Number(DEFAULTS.seed)),
    recipe: query.get("_recipe"),
    match: parseMatch(query.get("_match")),
    withoutFlags: FLAGS.filter((kind) => query.getAll("_without").includes(kind)),
  };
}

const FLAGS: readonly FlagKind[] = ["unreadable", "wrong_side", "wrong_roi", "note"];

/** `K~age,density~2`: two controls for each exam of class K. */
function parseMatch(text: string | null): MatchDraft | null {
  const [cases, names = "", controls = "1"] = (text ?? "").split("~");
  const on = MATCHABLE.filter((name) => names.split(",").includes(name));
  return cases && on.length ? { cases, on, controls: Math.max(1, whole(controls, 1)) } : null;
}

/** The draft's own parameters; the filter keeps its own. */
export function draftPairs(draft: CohortDraft): [string, string][] {
  return [
    ["_label", draft.field],
    ...draft.classes.map((one): [string, string] => ["_class", classText(one)]),
    ["_policy", draft.policy],
    ["_cap", draft.cap === null ? "all" : String(draft.cap)],
    ["_split", draft.split.join("-")],
    ["_by", draft.by],
    ["_seed", String(draft.seed)],
    ...(draft.recipe ? [["_recipe", draft.recipe] as [string, string]] : []),
    ...(draft.match ? [["_match", matchText(draft.match)] as [string, string]] : []),
    ...draft.withoutFlags.map((kind): [string, string] => ["_without", kind]),
  ];
}

const asValue = (value: string | number | boolean | null): Value =>
  value === null ? null : String(value);

/** The draft of the cohort that an experiment expects; what it leaves open is as the builder begins. */
export function expectedPairs(expected: ExpectedCohort): [string, string][] {
  const { filter, label, sampling, split } = expected;
  const classes = label.classes.map(({ name, values }) => ({ name, values: values.map(asValue) }));
  const parts = [split.train, split.validation, split.test].map((part) => Math.round(part * 100));
  return [
    ["_label", label.field],
    ...classes.map((one): [string, string] => ["_class", classText(one)]),
    ["_policy", label.policy],
    ["_cap", sampling ? String(sampling.per_class) : "all"],
    ["_split", parts.join("-")],
    ["_by", split.by],
    ...filterPairs(fromJson(filter)),
  ];
}

const matchText = ({ cases, on, controls }: MatchDraft): string =>
  `${cases}~${on.join(",")}~${controls}`;

/** Parts of the split as shares of their sum, so that 7/1/2 is 70/10/20. */
export function definitionOf(draft: CohortDraft, dataset: string, name: string): CohortDefinition {
  const [train, validation, test] = draft.split;
  const sum = train + validation + test || 1;
  const share = (part: number): number => Number((part / sum).toFixed(6));
  return {
    name,
    dataset,
    filter: filterJson(draft.filter),
    ...(draft.recipe
      ? { recipe: { name: draft.recipe as RecipeName, roi: "any" as const } }
      : {
          label: {
            field: draft.field,
            classes: draft.classes.map((one) => ({ name: one.name, values: [...one.values] })),
            policy: draft.policy,
          },
        }),
    ...(draft.match ? { match: { ...draft.match, on: [...draft.match.on], ...TOLERANCE } } : {}),
    ...(draft.withoutFlags.length ? { without_flags: [...draft.withoutFlags] } : {}),
    // A cap would part cases from their controls, so the matching alone decides how many.
    sampling: draft.cap === null || draft.match ? null : { per_class: draft.cap },
    split: { by: draft.by, train: share(train), validation: share(validation), test: share(test) },
    seed: draft.seed,
  };
}

/** How far a control may differ from its case: years of age, years of the exam. */
const TOLERANCE = { age_within: 5, year_within: 0 } as const;

/** What must be put right before the server is asked; null when nothing. */
export function draftProblem(draft: CohortDraft): string | null {
  if (draft.recipe) return draft.split[0] > 0 ? null : "The training part must be above zero.";
  if (draft.classes.length < 2) return "A cohort needs at least two classes.";
  const empty = draft.classes.find((one) => one.values.length === 0);
  if (empty) return `Class ${empty.name || "without a name"} has no values yet.`;
  if (draft.classes.some((one) => !one.name.trim())) return "Every class needs a name.";
  if (new Set(draft.classes.map((one) => one.name)).size < draft.classes.length) {
    return "Two classes have the same name.";
  }
  const values = draft.classes.flatMap((one) => one.values);
  if (new Set(values).size < values.length) return "One value stands in two classes.";
  if (draft.split.some((part) => !(part >= 0)) || draft.split[0] <= 0)
    return "The training part must be above zero.";
  return draft.cap !== null && draft.cap < 1
    ? "At most how many images of each class? At least 1."
    : null;
}

export function suggestName(draft: CohortDraft): string {
  if (draft.recipe) return `recipe ${draft.recipe}`;
  const names = draft.classes.map((one) => one.name).join(" vs ");
  return draft.cap === null ? names : `${names}, ${draft.cap} each`;
}
