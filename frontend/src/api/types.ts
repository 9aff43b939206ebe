/**
 * Bodies of the API: generated from the OpenAPI, with names of our own where a page needs a part or a text.
 * What the OpenAPI calls an object without members (metrics, JSON Schema) is written out here.
 */
import type { JsonCondition, Value } from "../lib/filter";
import type { components } from "./schema";

type Schemas = components["schemas"];

export interface Page<T> {
  items: T[];
  total: number;
  next?: string | null;
}

export type Person = Schemas["PersonBrief"];
export type Role = Person["role"];
export type Session = Pick<Schemas["SessionBody"], "person"> & { csrf_token: string | null };

/** What `/readyz` says; it is no part of the API's document. */
export interface Readiness {
  readonly state: "ready" | "degraded" | "not ready";
  readonly dependencies: Record<
    string,
    { readonly state: "ok" | "degraded" | "failed"; readonly detail: string | null }
  >;
}

export type Setup = Schemas["Setup"];

export type Me = Schemas["Me"];
export type Agreement = Schemas["AgreementBody"];
export type Token = Schemas["TokenBody"];
export type NewToken = Schemas["NewToken"];
export type TokenScope = Schemas["TokenRequest"]["scopes"][number];
export type PersonRecord = Schemas["PersonBody"];
export type PasswordLink = Schemas["PasswordLink"];
export type Audit = Schemas["AuditBody"];
export type Cache = Schemas["Cache"];
export type CacheTier = Cache["tiers"][number];
export type Worker = Schemas["Worker"];
export type Revision = Schemas["RevisionState"];

export type Problem = Pick<Schemas["Problem"], "title" | "status"> & Partial<Schemas["Problem"]>;
export type FieldError = Schemas["FieldError"];

export type Dataset = Schemas["DatasetSummary"];

/** An option with its value as text: what stands in an address and what a click compares. */
export type Option = Omit<Schemas["Option"], "value"> & { value: Value };
export type FilterField = Omit<Schemas["Filter"], "options"> & { options: Option[] };
export type Level = FilterField["level"];
export type FilterKind = FilterField["kind"];

export type Bucket = Schemas["Bucket"];
export type RangeFacet = Schemas["RangeFacet"];
export type Facets = Omit<Schemas["Facets"], "facets"> & { facets: Record<string, Option[]> };

export type ImageSummary = Schemas["ImageSummary"];
export type ImageRecord = Schemas["ImageRecord"];
export type Finding = Schemas["Finding"];
export type RoiRecord = Schemas["ImageRoi"];
/** A row of a table: only what is there; null columns are absent. */
export type Cells = Finding["values"];

export type ExamRecord = Schemas["ExamRecord"];
export type PatientRecord = Schemas["PatientRecord"];
export type TimelineExam = Schemas["TimelineExam"];
export type SavedQuery = Schemas["SavedQuery"];
export type Statistics = Schemas["Statistics"];
export type Distribution = Schemas["Distribution"];
export type CountedBin = Schemas["CountedBin"];
export type CrossTable = Schemas["CrossTable"];
export type Missingness = Schemas["Missingness"];
/** What is counted. */
export type Grain = Statistics["count"];
export type Flag = Schemas["Flag"];
export type FlagKind = Flag["kind"];

export type Policy = Schemas["LabelDefinition"]["policy"];
export type CohortDefinition = Omit<Schemas["CohortRequest"], "filter" | "dataset"> & {
  dataset: string;
  filter: Record<string, JsonCondition>;
};
export type Recipe = Schemas["Recipe"];
export type RecipeName = Recipe["name"];
export type CohortComparison = Schemas["CohortComparison"];
export type ExportFile = Schemas["ExportFile"];
export type Member = Schemas["CatalogMember"];
export type CohortClass = Schemas["ClassCounts"];
export type AttritionStep = Schemas["AttritionStep"];
/** The definition as it was frozen: complete, with every default said. */
export type FrozenDefinition = Omit<CohortDefinition, "name" | "label"> & {
  label?: Schemas["LabelDefinition"] | null;
};
export type CohortPreview = Omit<Schemas["CohortPreview"], "definition">;
export type Cohort = Omit<Schemas["Cohort"], "definition"> & { definition: FrozenDefinition };

/** The part of JSON Schema that an experiment's overrides use. */
export interface JsonSchema {
  type?: string | string[];
  title?: string;
  description?: string;
  enum?: (string | number | boolean | null)[];
  const?: string | number | boolean | null;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  multipleOf?: number;
  minLength?: number;
  maxLength?: number;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  anyOf?: JsonSchema[];
  allOf?: JsonSchema[];
  $ref?: string;
  $defs?: Record<string, JsonSchema>;
  items?: JsonSchema;
}

export type PublishedFigure = Schemas["Published"];
export type ExpectedCohort = Pick<CohortDefinition, "sampling"> & {
  split: Schemas["SplitDefinition"];
  label: Schemas["LabelDefinition"];
  filter: Record<string, unknown>;
};
export type Experiment = Omit<Schemas["Experiment"], "overrides" | "cohort"> & {
  overrides: JsonSchema;
  cohort: ExpectedCohort | null;
};

/** What has a default may be left out. */
export type JobRequest = Omit<Schemas["NewJob"], "priority" | "protocol"> &
  Partial<Pick<Schemas["NewJob"], "priority" | "protocol">>;
/** A part of a cohort. */
export type SplitName = Member["split"];
export type Owner = Schemas["Owner"];
export type JobState = Schemas["Job"]["state"];
export type Epoch = Schemas["Epoch"];
export type Job = Omit<Schemas["Job"], "metrics"> & { metrics: Metrics | null };
export type Model = Schemas["Model"];
export type Predictions = Schemas["Predictions"];
export type JobPreview = Schemas["JobPreview"];
export type Splits = Schemas["Splits"];
export type LogLine = Schemas["LogLine"];
export type Artifact = Schemas["Artifact"];
export type Report = Schemas["Report"];
export type Evaluation = Schemas["Evaluation"];
export type Subgroups = Schemas["Subgroups"];
export type ChosenThreshold = Schemas["ChosenThreshold"];
export type Comparison = Schemas["Comparison"];

/** A figure with its 95 % interval (bootstrap over patients). */
export interface Interval {
  value: number | null;
  low: number | null;
  high: number | null;
}

export interface RocCurve {
  name: string;
  fpr: number[];
  tpr: number[];
}

/** What a finished job measured on its test split. */
export interface Metrics {
  test?: Record<string, unknown>;
  /** The epoch whose weights were tested, chosen on validation. */
  epoch?: number;
  confusion_matrix?: { labels: string[]; counts: number[][] } | null;
  roc?: RocCurve[] | null;
  baseline?: Record<string, unknown> | null;
  thresholds?: ChosenThreshold[];
}
