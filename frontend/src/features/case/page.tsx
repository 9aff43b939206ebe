import { useEffect, useState } from "preact/hooks";
import { retrieveImage } from "../../api/catalog";
import type { ImageSummary } from "../../api/types";
import { isFilterKey } from "../../lib/filter";
import { slotOf } from "../../lib/hanging";
import { navigate, query, withQuery } from "../../lib/url";
import { defaultWindow, PRESETS } from "../../lib/window";
import { panBy, zoomAt } from "../../lib/zoom";
import { shownDataset, versionOf } from "../../shell/workspace";
import { Copyable } from "../../ui/copy";
import { useKeys } from "../../ui/keys";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";
import { SkeletonLines } from "../../ui/skeleton";
import { useAsked } from "./asked";
import { CaseBar } from "./bar";
import { useCross } from "./cross";
import { Fields } from "./fields";
import { Findings } from "./findings";
import { Predict } from "./predict";
import { summaryOf, useNeighbours, useOthers, usePrior } from "./record";
import {
  carriedParameters,
  chosenWindow,
  inverted,
  layout as layoutAsked,
  METHODS,
  method,
  model,
  opacity,
  prior,
  resetView,
  roisShown,
  setInverted,
  setLayout,
  setMethod,
  setOpacity,
  setRoisShown,
  setView,
  setWindow,
  type Tool,
  view,
} from "./state";
import { ExamStrip } from "./strip";
import { Timeline } from "./timeline";
import { Viewer } from "./viewer";
import "./case.css";

/** One press moves a tenth of the frame. */
const PANS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowRight: [-0.1, 0],
  ArrowLeft: [0.1, 0],
  ArrowUp: [0, 0.1],
  ArrowDown: [0, -0.1],
};

export function CasePage({ id }: { id: string }) {
  const record = useResource(`image ${id}`, (aborted) => retrieveImage(Number(id), aborted));
  const [tool, setTool] = useState<Tool>("window");
  const [lit, setLit] = useState<number | null>(null);
  const data = record.data;
  const [loupe, setLoupe] = useState(false);
  const [synced, setSynced] = useState(true);
  const beside = usePrior(data, prior.value);
  const others = useOthers(data, beside);
  const neighbours = useNeighbours(data);
  const asked = useAsked(data);
  const cross = useCross(data);
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
  const zoom = (factor: number): void => setView(zoomAt(view.value, factor, 0, 0));
  const pan = (dx: number, dy: number): void => setView(panBy(view.value, dx, dy));
  const adjust = (center: number, width: number): void => {
    if (!data) return;
    const now = chosenWindow.value ?? defaultWindow(data.image);
    setWindow({
      center: Math.round(now.center + now.width * center),
      width: Math.max(2, Math.round(now.width * width)),
    });
  };
  const swapTwin = (): void => {
    const twin = data?.cview_twin;
    if (twin) navigate(withQuery(`/images/${twin}`, carriedParameters()), { replace: true });
  };
  const back = withQuery(
    "/explore",
    [...query.value].filter(([key]) => isFilterKey(key) || key === "sort" || key === "dataset"),
  );
  useKeys([
    {
      keys: ["ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown"],
      does: "With Shift: move the zoomed picture",
      when: () => view.value.scale > 1,
      shift: true,
      run: (event) => {
        const [dx, dy] = PANS[event.key] ?? [0, 0];
        pan(dx, dy);
      },
    },
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
      keys: PRESETS.map((preset) => preset.key),
      does: "Window: as stored, contrast, calcifications, skin, full",
      run: (event) => {
        const preset = PRESETS.find((one) => one.key === event.key);
        if (preset && data) setWindow(preset.of(data.image));
      },
    },
    { keys: ["["], does: "More contrast", run: () => adjust(0, 0.85) },
    { keys: ["]"], does: "Less contrast", run: () => adjust(0, 1 / 0.85) },
    { keys: [","], does: "Brighter", run: () => adjust(-0.06, 1) },
    { keys: ["."], does: "Darker", run: () => adjust(0.06, 1) },
    {
      keys: ["m"],
      does: "Measure: drag, or click both ends (by keys: x)",
      run: () => setTool("measure"),
    },
    { keys: ["l"], does: "Loupe at full pixels (by keys: x)", run: () => setLoupe(!loupe) },
    { keys: ["s"], does: "Zoom all views together, or each alone", run: () => setSynced(!synced) },
    {
      keys: ["g"],
      does: "Flag this image",
      run: () => document.querySelector<HTMLElement>(".flags > summary")?.click(),
    },
    {
      keys: ["f"],
      does: "One picture or the four views",
      run: () => setLayout(layout === "one" ? "four" : "one"),
    },
    { keys: ["r"], does: "ROI boxes on or off", run: () => setRoisShown(!roisShown.value) },
    {
      keys: ["a"],
      does: "What the chosen model went by, on or off",
      when: () => model.value !== null,
      run: () => setMethod(method.value ? null : METHODS[0].key),
    },
    {
      keys: ["o", "O"],
      does: "Overlay of the model fainter, with Shift stronger",
      when: () => method.value !== null,
      run: (event) => setOpacity(opacity.value + (event.key === "O" ? 10 : -10)),
    },
    { keys: ["i"], does: "Invert", run: () => setInverted(!inverted.value) },
    {
      keys: ["w"],
      does: "Drag changes the window (by keys: [ ] , .)",
      run: () => setTool("window"),
    },
    {
      keys: ["p"],
      does: "Drag moves the picture (by keys: Shift and arrows)",
      run: () => setTool("pan"),
    },
    { keys: ["+", "="], does: "Zoom in", run: () => zoom(1.5) },
    { keys: ["-"], does: "Zoom out", run: () => zoom(1 / 1.5) },
    { keys: ["v"], does: "2D or C-View of the same view", run: swapTwin },
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
      <CaseBar
        record={data}
        code={current?.asses ?? null}
        back={back}
        hangs={hangs}
        layout={layout}
        neighbours={neighbours}
        tool={tool}
        onTool={setTool}
        loupe={loupe}
        onLoupe={() => setLoupe(!loupe)}
        synced={synced}
        onSync={() => setSynced(!synced)}
        onTwin={data?.cview_twin ? swapTwin : null}
      />
      <div class="case-view">
        {data && current ? (
          <>
            <Viewer
              record={data}
              current={current}
              others={others}
              prior={beside}
              layout={layout}
              tool={tool}
              loupe={loupe}
              synced={synced}
              lit={lit}
              asked={asked}
              cross={cross}
              version={version}
            />
            <Timeline record={data} />
          </>
        ) : (
          record.slow && <div class="viewer-skeleton skeleton" />
        )}
      </div>
      <aside class="case-side" aria-label="Details">
        {data && current ? (
          <>
            <Findings record={data} lit={lit} onLight={setLit} />
            <Predict record={data} asked={asked} />
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
