import { useEffect } from "preact/hooks";
import { retrieveImage } from "../../api/catalog";
import type { ImageRecord, ImageSummary, RoiRecord } from "../../api/types";
import { parseFilter } from "../../lib/filter";
import { slotOf } from "../../lib/hanging";
import { query } from "../../lib/url";
import { assessmentRank } from "../../lib/vocabulary";
import { loadMore, type Neighbours, neighboursOf, results, startSearch } from "../../shell/results";
import { useResource } from "../../ui/resource";

export const cell = (value: unknown): string | null =>
  value === null || value === undefined ? null : String(value);

const number = (value: unknown): number | null => (typeof value === "number" ? value : null);

/** The record's own row in the shape its siblings have. */
export function summaryOf(record: ImageRecord): ImageSummary {
  const { image, exam } = record;
  const codes = record.findings.flatMap((finding) => cell(finding.values.asses) ?? []);
  const worst = codes
    .filter((code) => code !== "X")
    .sort((a, b) => assessmentRank(b) - assessmentRank(a))[0];
  return {
    image_id: record.image_id,
    dataset: record.dataset,
    patient_id: record.patient_id,
    exam_id: record.exam_id,
    sop_instance_uid: record.sop_instance_uid,
    ImageLateralityFinal: cell(image.ImageLateralityFinal),
    ViewPosition: cell(image.ViewPosition),
    FinalImageType: cell(image.FinalImageType),
    asses: worst ?? null,
    assessments: [...new Set(codes)],
    findings: record.findings.length,
    num_roi: record.rois.length,
    study_date_anon: cell(image.study_date_anon),
    age_at_study: number(exam.age_at_study),
    tissueden: number(exam.tissueden),
    Manufacturer: cell(image.Manufacturer),
    Rows: number(image.Rows),
    Columns: number(image.Columns),
  };
}

/** ROIs of the other hung views: only those that have some are asked for. */
export function useRois(
  record: ImageRecord | undefined,
): ReadonlyMap<number, readonly RoiRecord[]> {
  const others = (record?.siblings ?? [])
    .filter((one) => one.image_id !== record?.image_id && (one.num_roi ?? 0) > 0 && slotOf(one))
    .map((one) => one.image_id);
  const found = useResource(others.length ? `rois ${others.join()}` : null, (aborted) =>
    Promise.all(others.map((id) => retrieveImage(id, aborted))),
  );
  const own: [number, readonly RoiRecord[]][] = record ? [[record.image_id, record.rois]] : [];
  return new Map([...(found.data ?? []).map((one) => [one.image_id, one.rois] as const), ...own]);
}

/** Loading ahead by so many images keeps stepping from ever waiting. */
const AHEAD = 20;

/** Steps through the search one came from; a link opened alone searches again by its own address. */
export function useNeighbours(record: ImageRecord | undefined): Neighbours {
  const dataset = record?.dataset;
  useEffect(() => {
    if (!dataset || results.value.key !== "") return;
    startSearch({ dataset, filter: parseFilter(query.value), sort: query.value.get("sort") ?? "" });
  }, [dataset]);
  const found = neighboursOf(record?.image_id ?? -1);
  const short = found.place >= 0 && found.place > results.value.items.length - AHEAD;
  useEffect(() => {
    if (short) loadMore();
  }, [short]);
  return found;
}
