import { useEffect } from "preact/hooks";
import { retrieveExam, retrieveImage } from "../../api/catalog";
import type { ExamRecord, ImageRecord, ImageSummary } from "../../api/types";
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

/** Records of the other views that hang: their ROIs, and the spacing their lengths are measured by. */
export function useOthers(
  record: ImageRecord | undefined,
  prior: ExamRecord | null,
): ReadonlyMap<number, ImageRecord> {
  const others = [...(record?.siblings ?? []), ...(prior?.images ?? [])]
    .filter((one) => one.image_id !== record?.image_id && slotOf(one))
    .map((one) => one.image_id);
  const found = useResource(others.length ? `views ${others.join()}` : null, (aborted) =>
    Promise.all(others.map((id) => retrieveImage(id, aborted))),
  );
  return new Map((found.data ?? []).map((one) => [one.image_id, one]));
}

/** The exam that hangs beside; null where none does. */
export function usePrior(
  record: ImageRecord | undefined,
  examId: string | null,
): ExamRecord | null {
  const dataset = record?.dataset;
  const wanted = dataset && examId && examId !== record.exam_id;
  const found = useResource(wanted ? `exam ${dataset} ${examId}` : null, (aborted) =>
    retrieveExam(dataset ?? "", examId ?? "", aborted),
  );
  return wanted && found.data?.exam_id === examId ? found.data : null;
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
