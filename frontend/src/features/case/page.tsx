import { useEffect, useState } from "preact/hooks";
import { retrieveImage } from "../../api/catalog";
import type { ImageRecord, ImageSummary, RoiRecord } from "../../api/types";
import { isFilterKey, parseFilter } from "../../lib/filter";
import { formatCount, formatDate } from "../../lib/format";
import { slotOf } from "../../lib/hanging";
import { navigate, query, withQuery } from "../../lib/url";
import { assessmentRank, densityWords, viewName } from "../../lib/vocabulary";
import { neighboursOf, results, startSearch } from "../../shell/results";
import { shownDataset, versionOf } from "../../shell/workspace";
import { Copyable } from "../../ui/copy";
import { Icon, type IconName } from "../../ui/icon";
import { useKeys } from "../../ui/keys";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";
import { SkeletonLines } from "../../ui/skeleton";
import { Fields } from "./fields";
import { Findings } from "./findings";
import {
  carriedParameters,
  inverted,
  layout as layoutAsked,
  resetView,
  roisShown,
  setInverted,
  setLayout,
  setRoisShown,
} from "./state";
import { ExamStrip } from "./strip";
import { type Tool, Viewer } from "./viewer";
import "./case.css";

const cell = (value: unknown): string | null =>
  value === null || value === undefined ? null : String(value);

const number = (value: unknown): number | null => (typeof value === "number" ? value : null);

/** The record's own row in the shape its siblings have. */
function summaryOf(record: ImageRecord): ImageSummary {
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
function useRois(record: ImageRecord | undefined): ReadonlyMap<number, readonly RoiRecord[]> {
  const others = (record?.siblings ?? [])
    .filter((one) => one.image_id !== record?.image_id && (one.num_roi ?? 0) > 0 && slotOf(one))
    .map((one) => one.image_id);
  const found = useResource(others.length ? `rois ${others.join()}` : null, (aborted) =>
    Promise.all(others.map((id) => retrieveImage(id, aborted))),
  );
  const own: [number, readonly RoiRecord[]][] = record ? [[record.image_id, record.rois]] : [];
  return new Map([...(found.data ?? []).map((one) => [one.image_id, one.rois] as const), ...own]);
}

function ExamHeader({ record }: { record: ImageRecord }) {
  const { exam, image } = record;
  const date = cell(exam.study_date_anon ?? image.study_date_anon);
  const age = Number(exam.age_at_study ?? Number.NaN);
  const density = densityWords(cell(exam.tissueden));
  const facts = [
    date && formatDate(date),
    Number.isFinite(age) ? `${Math.floor(age)} years` : null,
    density && `density ${density}`,
    cell(exam.desc),
  ].filter(Boolean);
  return (
    <p class="exam-line">
      <strong>{viewName(cell(image.ImageLateralityFinal), cell(image.ViewPosition))}</strong>
      <span class="soft">{facts.join(" · ")}</span>
    </p>
  );
}

function Toggle(props: { icon: IconName; label: string; pressed: boolean; onClick: () => void }) {
  return (
    <button
      type="button"
      class="button quiet icon"
      aria-pressed={props.pressed}
      aria-label={props.label}
      title={props.label}
      onClick={props.onClick}
    >
      <Icon name={props.icon} />
    </button>
  );
}

/** Steps through the search one came from; a link opened alone searches again by its own address. */
function useNeighbours(record: ImageRecord | undefined) {
  const dataset = record?.dataset;
  useEffect(() => {
    if (!dataset || results.value.key !== "") return;
    startSearch({ dataset, filter: parseFilter(query.value), sort: query.value.get("sort") ?? "" });
  }, [dataset]);
  return record ? neighboursOf(record.image_id) : { place: -1, previous: null, next: null };
}

function Stepper({ neighbours }: { neighbours: ReturnType<typeof neighboursOf> }) {
  const { place, previous, next } = neighbours;
  const address = (image: ImageSummary): string =>
    withQuery(`/images/${image.image_id}`, carriedParameters());
  const total = results.value.total;
  return (
    <div class="row stepper">
      {previous ? (
        <a
          class="button quiet icon"
          href={address(previous)}
          aria-label="Previous image"
          title="Previous image (k)"
        >
          <Icon name="left" />
        </a>
      ) : (
        <span class="button quiet icon" aria-hidden="true" />
      )}
      {place >= 0 && total !== null && (
        <span class="soft">
          {formatCount(place + 1)} of {formatCount(total)}
        </span>
      )}
      {next ? (
        <a
          class="button quiet icon"
          href={address(next)}
          aria-label="Next image"
          title="Next image (j)"
        >
          <Icon name="right" />
        </a>
      ) : (
        <span class="button quiet icon" aria-hidden="true" />
      )}
    </div>
  );
}

export function CasePage({ id }: { id: string }) {
  const record = useResource(`image ${id}`, (aborted) => retrieveImage(Number(id), aborted));
  const [tool, setTool] = useState<Tool>("window");
  const [lit, setLit] = useState<number | null>(null);
  const data = record.data;
  const rois = useRois(data);
  const neighbours = useNeighbours(data);
  const dataset = data?.dataset;
  useEffect(() => {
    shownDataset.value = dataset ?? null;
    return () => {
      shownDataset.value = null;
    };
  }, [dataset]);
  useEffect(() => {
    document.title = `Image ${id} · EMBED Lab`;
  }, [id]);

  // A sibling of itself has the worst assessment as the catalog orders it.
  const current =
    data && (data.siblings.find((one) => one.image_id === data.image_id) ?? summaryOf(data));
  const hangs = Boolean(
    data &&
      current &&
      slotOf(current) &&
      data.siblings.some((one) => slotOf(one) && one.image_id !== current.image_id),
  );
  const layout = layoutAsked.value ?? (hangs ? "four" : "one");
  const step = (to: ImageSummary | null): void => {
    if (to) navigate(withQuery(`/images/${to.image_id}`, carriedParameters()));
  };
  const back = withQuery(
    "/explore",
    [...query.value].filter(([key]) => isFilterKey(key) || key === "sort" || key === "dataset"),
  );
  useKeys([
    {
      keys: ["j", "ArrowRight"],
      does: "Next image of the search",
      run: () => step(neighbours.next),
    },
    {
      keys: ["k", "ArrowLeft"],
      does: "Previous image of the search",
      run: () => step(neighbours.previous),
    },
    {
      keys: ["f"],
      does: "One picture or the four views",
      run: () => setLayout(layout === "one" ? "four" : "one"),
    },
    { keys: ["r"], does: "ROI boxes on or off", run: () => setRoisShown(!roisShown.value) },
    { keys: ["i"], does: "Invert", run: () => setInverted(!inverted.value) },
    { keys: ["w"], does: "Drag changes the window", run: () => setTool("window") },
    { keys: ["p"], does: "Drag moves the picture", run: () => setTool("pan") },
    { keys: ["0"], does: "Window, zoom and inversion as stored", run: resetView },
    { keys: ["Escape"], does: "Back to the images", run: () => navigate(back) },
  ]);

  if (record.error && !data) {
    return (
      <div class="empty">
        <ProblemNote error={record.error} retry={record.reload}>
          <a class="button" href={back}>
            Back to the images
          </a>
        </ProblemNote>
      </div>
    );
  }
  const version = versionOf(dataset ?? "");
  return (
    <div class="case on-black">
      <div class="case-bar">
        <a class="button quiet" href={back} title="Back to the images (Esc)">
          <Icon name="left" /> Images
        </a>
        {data && <ExamHeader record={data} />}
        <div class="row tools" role="toolbar" aria-label="Viewer tools">
          {hangs && (
            <>
              <Toggle
                icon="four"
                label="Four views (f)"
                pressed={layout === "four"}
                onClick={() => setLayout("four")}
              />
              <Toggle
                icon="one"
                label="One picture (f)"
                pressed={layout === "one"}
                onClick={() => setLayout("one")}
              />
            </>
          )}
          <Toggle
            icon="roi"
            label="ROI boxes (r)"
            pressed={roisShown.value}
            onClick={() => setRoisShown(!roisShown.value)}
          />
          <Toggle
            icon="invert"
            label="Invert (i)"
            pressed={inverted.value}
            onClick={() => setInverted(!inverted.value)}
          />
          <button
            type="button"
            class="button quiet icon"
            aria-label="Reset the view (0)"
            title="Reset the view (0)"
            onClick={resetView}
          >
            <Icon name="reset" />
          </button>
        </div>
        <Stepper neighbours={neighbours} />
      </div>
      <div class="case-view">
        {data && current ? (
          <Viewer
            record={data}
            current={current}
            rois={rois}
            layout={layout}
            tool={tool}
            lit={lit}
            version={version}
          />
        ) : (
          record.slow && <div class="viewer-skeleton skeleton" />
        )}
      </div>
      <aside class="case-side" aria-label="Details">
        {data && current ? (
          <>
            <Findings record={data} lit={lit} onLight={setLit} />
            <section class="stack" aria-label="Exam">
              <h2>Exam</h2>
              <ExamStrip
                images={withCurrent(data.siblings, current)}
                current={current.image_id}
                version={version}
              />
              <dl class="facts">
                <dt>Patient</dt>
                <dd>
                  <Copyable text={data.patient_id} label="patient id" />
                </dd>
                <dt>Exam</dt>
                <dd>
                  <Copyable text={data.exam_id} label="exam id" />
                </dd>
                <dt>Image</dt>
                <dd>
                  <Copyable text={String(data.image_id)} label="image id" />
                </dd>
              </dl>
              <a href={`/explore?empi_anon=${data.patient_id}&dataset=${data.dataset}`}>
                All images of this patient
              </a>
            </section>
            <Fields record={data} />
          </>
        ) : (
          record.slow && <SkeletonLines lines={[40, 90, 75, 85, 60]} />
        )}
      </aside>
    </div>
  );
}

function withCurrent(
  siblings: readonly ImageSummary[],
  current: ImageSummary,
): readonly ImageSummary[] {
  return siblings.some((one) => one.image_id === current.image_id)
    ? siblings
    : [current, ...siblings];
}
