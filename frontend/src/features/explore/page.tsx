import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import { countFacets, listFilters } from "../../api/catalog";
import { UnreachableError } from "../../api/client";
import { mayTrain } from "../../api/session";
import type { FilterField } from "../../api/types";
import { filterPairs, withCondition } from "../../lib/filter";
import { formatCount } from "../../lib/format";
import { withQuery } from "../../lib/url";
import { results, retrySearch, startSearch } from "../../shell/results";
import { dataset, datasets, shownDataset } from "../../shell/workspace";
import { Counter } from "../../ui/counter";
import { Icon } from "../../ui/icon";
import { useKeys } from "../../ui/keys";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";
import { Arrange } from "./arrange";
import { Chips } from "./chips";
import { openFacets } from "./folds";
import { Grid } from "./grid";
import { QuickLook } from "./look";
import { FacetPanel } from "./panel";
import { SavedQueries } from "./saved";
import { SelectionBar } from "./selection";
import {
  applyFilter,
  filter,
  look,
  lookedAt,
  rememberedTile,
  rememberTile,
  sort,
  TILE_SIZES,
} from "./state";
import "./explore.css";

function Headline({
  total,
}: {
  total: { images: number; exams: number; patients: number } | undefined;
}) {
  if (!total) return <div class="headline skeleton" />;
  return (
    <h1 class="headline" aria-live="polite">
      <strong>
        <Counter value={total.images} /> {total.images === 1 ? "image" : "images"}
      </strong>{" "}
      in <Counter value={total.exams} /> {total.exams === 1 ? "exam" : "exams"} of{" "}
      <Counter value={total.patients} /> {total.patients === 1 ? "patient" : "patients"}
    </h1>
  );
}

/** Tables may name more images than the store holds: one press leaves only those that can be seen. */
function PicturesOnly({ fields }: { fields: readonly FilterField[] }) {
  const field = fields.find((one) => one.name === "has_file");
  const without = field?.options.find((option) => option.value === "false")?.count ?? 0;
  if (!field || without === 0) return null;
  const on = filter.value.has_file?.in?.includes("true") ?? false;
  return (
    <button
      type="button"
      class="button"
      aria-pressed={on}
      title={`${formatCount(without)} images of the tables have no file in the store`}
      onClick={() =>
        applyFilter(withCondition(filter.value, "has_file", on ? null : { in: ["true"] }))
      }
    >
      With pictures
    </button>
  );
}

function Nothing() {
  return (
    <div class="empty on-black">
      <h2>No image fits all of this</h2>
      <p>
        Each filter alone has images; together they leave none. Remove one of the chips above, or
        clear them all. The counts beside the options say what each choice would bring.
      </p>
      <button type="button" class="button" onClick={() => applyFilter({})}>
        Clear all filters
      </button>
    </div>
  );
}

function NoDataset() {
  return (
    <div class="empty">
      <h2>No dataset yet</h2>
      <p>
        Nothing has been ingested. An administrator brings EMBED's two tables in with{" "}
        <span class="mono">embedlab ingest</span>; the images appear here as soon as it is done.
      </p>
    </div>
  );
}

/** The thin bar of the shell says it already, and all is asked again by itself. */
const isLost = (error: Error): boolean => error instanceof UnreachableError;

function Found({ tile }: { tile: number }) {
  const { items, error, pending, total } = results.value;
  if (error && items.length === 0) {
    return (
      <div class="empty">
        <ProblemNote error={error} retry={retrySearch}>
          <button type="button" class="button" onClick={() => applyFilter({})}>
            Clear all filters
          </button>
        </ProblemNote>
      </div>
    );
  }
  if (!pending && total === 0) return <Nothing />;
  return (
    <>
      <Grid tile={tile} />
      {error && !isLost(error) && (
        <div class="grid-error">
          <ProblemNote error={error} retry={retrySearch} />
        </div>
      )}
    </>
  );
}

export function ExplorePage() {
  const current = dataset.value;
  const [tile, setTile] = useState(rememberedTile);
  const [drawer, setDrawer] = useState(false);
  const name = current?.name ?? null;
  const pairs = JSON.stringify(filterPairs(filter.value));
  useEffect(() => {
    shownDataset.value = null;
    document.title = "Explore · EMBED Lab";
  }, []);
  // Before the browser paints, as the counts are asked for.
  useLayoutEffect(() => {
    if (name) startSearch({ dataset: name, filter: filter.value, sort: sort.value });
  }, [name, pairs, sort.value]);

  const fields = useResource(name && `filters ${name}`, (aborted) =>
    listFilters(name ?? "", aborted),
  );
  const known = fields.data ?? [];
  const asked = known
    .filter((field) => openFacets.value.has(field.name) && field.kind !== "identifier")
    .map((one) => one.name);
  const counts = useResource(
    name && fields.data ? `facets ${name} ${pairs} ${asked.join()}` : null,
    (aborted) => countFacets(name ?? "", filter.value, asked, aborted),
  );
  useKeys([
    { keys: ["Escape"], does: "Close the quick look", run: () => look(null) },
    { keys: ["c"], does: "Clear all filters", run: () => applyFilter({}) },
    { keys: ["+", "="], does: "Larger thumbnails", run: () => resize(tile + 32) },
    { keys: ["-"], does: "Smaller thumbnails", run: () => resize(tile - 32) },
  ]);
  const resize = (size: number): void => {
    const fitting = Math.min(TILE_SIZES.max, Math.max(TILE_SIZES.min, size));
    rememberTile(fitting);
    setTile(fitting);
  };

  if (datasets.value && !current?.revision) return <NoDataset />;
  const active = Object.keys(filter.value).length;
  const toCohort = withQuery("/cohorts/new", [
    ...filterPairs(filter.value),
    ["dataset", name ?? ""],
  ]);
  return (
    <div class={`explore ${drawer ? "drawer" : ""} ${lookedAt.value ? "looking" : ""}`}>
      <aside class="explore-side" aria-label="Filters">
        <div class="drawer-head">
          <h2>Filters</h2>
          <button type="button" class="button primary" onClick={() => setDrawer(false)}>
            Show images
          </button>
        </div>
        {fields.error ? (
          <ProblemNote error={fields.error} retry={fields.reload} />
        ) : (
          <FacetPanel fields={fields.data ?? null} counts={counts.data} stale={counts.slow} />
        )}
      </aside>
      <section class="explore-main" aria-label="Images">
        <div class="explore-head">
          <div class="explore-line">
            <Headline total={counts.data?.total} />
            <button type="button" class="button drawer-button" onClick={() => setDrawer(true)}>
              <Icon name="filter" />
              Filters{active > 0 && ` (${active})`}
            </button>
            <PicturesOnly fields={known} />
            <Arrange />
            <SavedQueries dataset={name ?? ""} fields={known} />
            <label class="size" title="Size of the thumbnails (+ and -)">
              <Icon name="four" />
              <input
                type="range"
                aria-label="Size of the thumbnails"
                min={TILE_SIZES.min}
                max={TILE_SIZES.max}
                step={TILE_SIZES.step}
                value={tile}
                onInput={(event) => resize(Number(event.currentTarget.value))}
              />
            </label>
            {mayTrain() && (
              <a class="button primary" href={toCohort}>
                Make a cohort
              </a>
            )}
          </div>
          <Chips fields={known} />
          {counts.error && !isLost(counts.error) && (
            <ProblemNote error={counts.error} retry={counts.reload} />
          )}
        </div>
        <Found tile={tile} />
        <SelectionBar dataset={name ?? ""} mayTrain={mayTrain()} />
      </section>
      <QuickLook />
    </div>
  );
}
