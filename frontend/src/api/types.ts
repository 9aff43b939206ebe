/** Bodies of the API, as docs/architecture.md writes them. */

import type { JsonCondition, Value } from "../lib/filter";
import type { Totals } from "../lib/format";

export interface Page<T> {
  items: T[];
  total: number;
  next: string | null;
}

export type Role = "reader" | "researcher" | "admin";

export interface Person {
  person_id: string;
  email: string;
  name: string;
  role: Role;
}

export interface Session {
  csrf_token: string;
  person: Person;
}

export interface FieldError {
  field: string;
  message: string;
  accepted?: string[] | null;
}

export interface Problem {
  type?: string;
  title: string;
  status: number;
  detail?: string | null;
  request_id?: string | null;
  errors?: FieldError[] | null;
}

export interface Revision {
  revision_id: string | number;
  sha256: string;
  created_at: string;
  counts: { images: number; exams: number; patients: number; findings: number };
}

export interface Dataset {
  name: string;
  title: string | null;
  restricted: boolean;
  licence: string | null;
  attribution: string | null;
  revision: Revision | null;
}

export type Level = "patient" | "exam" | "finding" | "image";
export type FilterKind = "category" | "flag" | "range" | "date" | "identifier";

export interface Option {
  value: Value;
  label: string;
  count: number;
}

export interface FilterField {
  name: string;
  label: string;
  level: Level;
  kind: FilterKind;
  description?: string | null;
  options: Option[];
  range: { min: number | string | null; max: number | string | null; nulls: number } | null;
}

export interface Bucket {
  gte: number | string;
  lt: number | string;
  count: number;
}

export interface RangeFacet {
  min: number | string | null;
  max: number | string | null;
  nulls: number;
  buckets: Bucket[];
}

export interface Facets {
  total: Totals;
  facets: Record<string, Option[]>;
  ranges: Record<string, RangeFacet>;
}

export interface ImageSummary {
  image_id: number;
  dataset: string;
  patient_id: string;
  exam_id: string;
  sop_instance_uid: string;
  ImageLateralityFinal?: string | null;
  ViewPosition?: string | null;
  FinalImageType?: string | null;
  asses?: string | null;
  assessments?: string[];
  findings?: number;
  num_roi?: number | null;
  study_date_anon?: string | null;
  age_at_study?: number | null;
  tissueden?: number | string | null;
  Manufacturer?: string | null;
  Rows?: number | null;
  Columns?: number | null;
}

/** A cell of a table: only what is there; null columns are absent. */
export type Cells = Record<string, string | number | boolean | null>;

export interface Finding {
  values: Cells;
  labels: Record<string, string>;
  kinds: string[];
}

export interface RoiRecord {
  n: number;
  ymin: number;
  xmin: number;
  ymax: number;
  xmax: number;
  match_level: number | null;
}

export interface ImageRecord {
  image_id: number;
  dataset: string;
  revision_id: string | number;
  patient_id: string;
  exam_id: string;
  sop_instance_uid: string;
  image: Cells;
  exam: Cells;
  patient: Cells;
  findings: Finding[];
  rois: RoiRecord[];
  siblings: ImageSummary[];
  cview_twin: number | null;
}

export type Policy = "worst" | "exclude" | "finding";

export interface CohortDefinition {
  name: string;
  dataset: string;
  filter: Record<string, JsonCondition>;
  label: { field: string; classes: { name: string; values: Value[] }[]; policy: Policy };
  sampling: { per_class: number } | null;
  split: { by: "patient" | "image"; train: number; validation: number; test: number };
  seed: number;
}

export interface CohortClass {
  name: string;
  images: number;
  patients: number;
  splits: Splits;
}

export interface Splits {
  train: number;
  validation: number;
  test: number;
}

export interface AttritionStep extends Totals {
  step: string;
}

export interface CohortPreview {
  sha256?: string | null;
  counts: Totals;
  classes: CohortClass[];
  attrition: AttritionStep[];
  warnings: string[];
}

export interface Cohort extends CohortPreview {
  cohort_id: string;
  name: string;
  sha256: string;
  dataset: string;
  revision_id: string | number;
  owner: string | Owner;
  created_at: string;
  definition: Omit<CohortDefinition, "name"> & { name?: string };
}

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

export interface PublishedFigure {
  model: string;
  epochs: number | null;
  accuracy: number | null;
  roc_auc: number | null;
  protocol?: string | null;
  source?: string | null;
}

export interface Experiment {
  name: string;
  version?: number;
  title: string;
  description: string;
  task?: string;
  dataset_kind?: string;
  classes: string[];
  models: string[];
  defaults: Record<string, unknown>;
  profiles?: Record<string, Record<string, unknown>>;
  overrides: JsonSchema;
  cohort: Partial<CohortDefinition> | null;
  published: PublishedFigure[];
}

export type JobState = "queued" | "running" | "succeeded" | "failed" | "cancelled";

export interface Epoch {
  epoch: number;
  train_loss: number | null;
  validation_loss: number | null;
  validation_accuracy: number | null;
  validation_roc_auc: number | null;
  seconds: number | null;
}

export interface Interval {
  value: number;
  low: number | null;
  high: number | null;
}

export interface RocCurve {
  name: string;
  fpr: number[];
  tpr: number[];
}

export interface Metrics {
  test?: Record<string, unknown>;
  /** The epoch whose weights were tested, chosen on validation. */
  epoch?: number;
  confusion_matrix?: { labels: string[]; counts: number[][] } | null;
  roc?: RocCurve[] | null;
  baseline?: Record<string, unknown> | null;
}

export interface Owner {
  person_id: string;
  name: string;
}

export interface Job {
  job_id: string;
  name: string | null;
  experiment: string;
  cohort_id: string | null;
  dataset?: string | null;
  owner: Owner;
  state: JobState;
  control?: string | null;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  queue_position: number | null;
  progress: {
    phase: string | null;
    epoch: number | null;
    epochs: number | null;
    fraction: number | null;
  } | null;
  epochs: Epoch[];
  metrics: Metrics | null;
  reason: string | null;
  attempts?: number;
  cancel_requested?: boolean;
  worker?: string | null;
  spec?: { settings?: Record<string, unknown>; protocol?: string; profile?: string } | null;
  spec_sha256?: string;
  warnings?: string[] | null;
  estimate?: { bytes: number | null; disk: number | null; minutes: number | null } | null;
}

export interface Artifact {
  name: string;
  bytes: number;
  sha256: string;
  media_type: string;
}
