import { type Filter, filterJson, filterPairs } from "../lib/filter";
import { request, requestAll } from "./client";
import type {
  Cohort,
  CohortComparison,
  CohortDefinition,
  CohortPreview,
  Dataset,
  ExamRecord,
  ExportFile,
  Facets,
  FilterField,
  Flag,
  FlagKind,
  Grain,
  ImageRecord,
  ImageSummary,
  Member,
  Option,
  Page,
  PatientRecord,
  Recipe,
  SavedQuery,
  Splits,
  Statistics,
} from "./types";

export function listDatasets(signal?: AbortSignal): Promise<Page<Dataset>> {
  return request("/api/v1/datasets", { signal });
}

/** Numbers and flags are values too; in an address and among options every value is its text. */
function asText(option: Option): Option {
  const value: unknown = option.value;
  return { ...option, value: value === null || value === undefined ? null : String(value) };
}

export async function listFilters(dataset: string, signal?: AbortSignal): Promise<FilterField[]> {
  const path = `/api/v1/filters?${new URLSearchParams({ dataset })}`;
  const page = await request<Page<FilterField>>(path, { signal });
  return page.items.map((field) => ({ ...field, options: field.options.map(asText) }));
}

export interface ImageQuery {
  readonly dataset: string;
  readonly filter: Filter;
  readonly sort?: string | undefined;
  readonly cursor?: string | undefined;
  readonly limit: number;
}

export function searchImages(query: ImageQuery, signal?: AbortSignal): Promise<Page<ImageSummary>> {
  const pairs = filterPairs(query.filter);
  pairs.push(["dataset", query.dataset], ["limit", String(query.limit)]);
  if (query.sort) pairs.push(["sort", query.sort]);
  if (query.cursor) pairs.push(["cursor", query.cursor]);
  return request(`/api/v1/images?${new URLSearchParams(pairs)}`, { signal });
}

export async function countFacets(
  dataset: string,
  filter: Filter,
  facets: readonly string[],
  signal?: AbortSignal,
): Promise<Facets> {
  const body = { dataset, filter: filterJson(filter), facets, count: "images" };
  const counted = await request<Facets>("/api/v1/facets", { method: "POST", body, signal });
  const named = Object.entries(counted.facets).map(([name, options]) => [
    name,
    options.map(asText),
  ]);
  return { ...counted, facets: Object.fromEntries(named) };
}

export function retrieveImage(imageId: number, signal?: AbortSignal): Promise<ImageRecord> {
  return request(`/api/v1/images/${imageId}`, { signal });
}

/** All that the person may see, newest first. */
export function listCohorts(signal?: AbortSignal): Promise<readonly Cohort[]> {
  return requestAll("/api/v1/cohorts", signal);
}

export function retrieveCohort(cohortId: string, signal?: AbortSignal): Promise<Cohort> {
  return request(`/api/v1/cohorts/${encodeURIComponent(cohortId)}`, { signal });
}

/** Every image of a cohort. */
export function listMembers(cohortId: string): Promise<readonly Member[]> {
  return requestAll(`/api/v1/cohorts/${encodeURIComponent(cohortId)}/members`);
}

/** A patient's images in a cohort. */
export function listPatientMembers(
  cohortId: string,
  patientId: string,
  signal?: AbortSignal,
): Promise<Page<Member>> {
  const [cohort, patient] = [cohortId, patientId].map(encodeURIComponent);
  return request(`/api/v1/cohorts/${cohort}/patients/${patient}/members`, { signal });
}

/** How its members are split: classes and subgroups of each part. */
export function retrieveSplits(cohortId: string, signal?: AbortSignal): Promise<Splits> {
  return request(`/api/v1/cohorts/${encodeURIComponent(cohortId)}/splits`, { signal });
}

export function previewCohort(
  definition: CohortDefinition,
  signal?: AbortSignal,
): Promise<CohortPreview> {
  return request("/api/v1/cohorts/preview", { method: "POST", body: definition, signal });
}

export function freezeCohort(definition: CohortDefinition): Promise<Cohort> {
  return request("/api/v1/cohorts", { method: "POST", body: definition });
}

export function listQueries(signal?: AbortSignal): Promise<readonly SavedQuery[]> {
  return requestAll("/api/v1/queries", signal);
}

export function saveQuery(
  name: string,
  search: Pick<ImageQuery, "dataset" | "filter" | "sort">,
  shared: boolean,
): Promise<SavedQuery> {
  const { dataset, filter, sort } = search;
  const body = { name, dataset, filter: filterJson(filter), sort: sort || null, shared };
  return request("/api/v1/queries", { method: "POST", body });
}

const queryPath = (id: string): string => `/api/v1/queries/${encodeURIComponent(id)}`;

export function changeQuery(
  id: string,
  changes: { name?: string; shared?: boolean },
): Promise<SavedQuery> {
  return request(queryPath(id), { method: "PATCH", body: changes });
}

export function deleteQuery(id: string): Promise<void> {
  return request(queryPath(id), { method: "DELETE" });
}

export function flagImage(imageId: number, kind: FlagKind, note: string): Promise<Flag> {
  const body = { image_id: imageId, kind, note: note || null };
  return request("/api/v1/flags", { method: "POST", body });
}

export function listFlags(
  dataset: string,
  imageId: number,
  signal?: AbortSignal,
): Promise<Page<Flag>> {
  const query = new URLSearchParams({ dataset, image_id: String(imageId) });
  return request(`/api/v1/flags?${query}`, { signal });
}

export function removeFlag(flagId: number): Promise<void> {
  return request(`/api/v1/flags/${flagId}`, { method: "DELETE" });
}

export function retrieveExam(
  dataset: string,
  examId: string,
  signal?: AbortSignal,
): Promise<ExamRecord> {
  const query = new URLSearchParams({ dataset });
  return request(`/api/v1/exams/${encodeURIComponent(examId)}?${query}`, { signal });
}

export function retrievePatient(
  dataset: string,
  patientId: string,
  signal?: AbortSignal,
): Promise<PatientRecord> {
  const query = new URLSearchParams({ dataset });
  return request(`/api/v1/patients/${encodeURIComponent(patientId)}?${query}`, { signal });
}

export interface StatisticsQuery {
  readonly dataset: string;
  readonly filter: Filter;
  readonly fields: readonly string[];
  readonly cross: readonly [string, string] | null;
  readonly count: Grain;
}

export function countStatistics(query: StatisticsQuery, signal?: AbortSignal): Promise<Statistics> {
  const { dataset, filter, fields, cross, count } = query;
  const body = {
    dataset,
    filter: filterJson(filter),
    fields,
    cross: cross ? [cross] : [],
    years: true,
    missing: true,
    count,
  };
  return request("/api/v1/statistics", { method: "POST", body, signal });
}

export function listRecipes(signal?: AbortSignal): Promise<Page<Recipe>> {
  return request("/api/v1/recipes", { signal });
}

export function compareCohorts(
  a: string,
  b: string,
  signal?: AbortSignal,
): Promise<CohortComparison> {
  return request(`/api/v1/cohorts/compare?${new URLSearchParams({ a, b })}`, { signal });
}

export function listExports(cohortId: string, signal?: AbortSignal): Promise<Page<ExportFile>> {
  return request(`/api/v1/cohorts/${encodeURIComponent(cohortId)}/export`, { signal });
}

export function deleteCohort(cohortId: string): Promise<void> {
  return request(`/api/v1/cohorts/${encodeURIComponent(cohortId)}`, { method: "DELETE" });
}
