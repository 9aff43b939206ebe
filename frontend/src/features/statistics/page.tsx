import { useEffect } from "preact/hooks";
import { countStatistics, listFilters } from "../../api/catalog";
import type { FilterField, Grain, Missingness } from "../../api/types";
import { filterPairs } from "../../lib/filter";
import { capitalise, formatCount, formatPercent, formatTotals } from "../../lib/format";
import { filterWords } from "../../lib/pieces";
import { withQuery } from "../../lib/url";
import { dataset } from "../../shell/workspace";
import { Icon } from "../../ui/icon";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";
import { SkeletonLines } from "../../ui/skeleton";
import { CrossView } from "./cross";
import { DistributionView } from "./distribution";
import { Downloads } from "./download";
import { fields as chosen, cross, filter, grain, setFields, setGrain } from "./state";
import "./statistics.css";

const GRAINS: readonly Grain[] = ["images", "exams", "patients"];

function Choices({ fields }: { fields: readonly FilterField[] }) {
  const shown = chosen.value;
  const others = fields.filter((field) => !shown.includes(field.name));
  return (
    <div class="row wrap" role="toolbar" aria-label="Fields">
      {shown.map((name) => {
        const label = fields.find((field) => field.name === name)?.label ?? name;
        return (
          <button
            key={name}
            type="button"
            class="chip"
            aria-label={`Remove ${label}`}
            onClick={() => setFields(shown.filter((other) => other !== name))}
          >
            {label} <Icon name="close" size={12} />
          </button>
        );
      })}
      <select
        class="select inline-choice"
        aria-label="Add a field"
        value=""
        onChange={(event) => {
          if (event.currentTarget.value) setFields([...shown, event.currentTarget.value]);
        }}
      >
        <option value="">Add a field</option>
        {others.map((field) => (
          <option key={field.name} value={field.name}>
            {field.label}
          </option>
        ))}
      </select>
    </div>
  );
}

function MissingTable({ missing }: { missing: readonly Missingness[] }) {
  const some = missing.filter((one) => one.missing > 0).sort((a, b) => b.missing - a.missing);
  const rows = missing.map((one) => [one.field, one.missing, one.total]);
  return (
    <section class="statistic" aria-label="What is not recorded">
      <div class="row">
        <h2 class="grow">What is not recorded</h2>
        <Downloads name="missing" rows={[["field", "missing", "total"], ...rows]} />
      </div>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col" class="number">
              Missing
            </th>
            <th scope="col" class="number">
              Of
            </th>
            <th scope="col" class="number">
              Share
            </th>
          </tr>
        </thead>
        <tbody>
          {some.map((one) => (
            <tr key={one.field}>
              <td>{one.label}</td>
              <td class="number">{formatCount(one.missing)}</td>
              <td class="number">{formatCount(one.total)}</td>
              <td class="number">{formatPercent(one.share)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {some.length === 0 && <p class="soft">Every shown field is recorded throughout.</p>}
    </section>
  );
}

/** Distributions and cross-tables of the present filter. */
export function StatisticsPage() {
  const name = dataset.value?.name ?? null;
  const pairs = filterPairs(filter.value);
  useEffect(() => {
    document.title = "Statistics · EMBED Lab";
  }, []);
  const known = useResource(name && `filters ${name}`, (aborted) =>
    listFilters(name ?? "", aborted),
  );
  const usable = (known.data ?? []).filter((field) => field.kind !== "identifier");
  const present = chosen.value.filter((field) => usable.some((one) => one.name === field));
  const crossed = cross.value.every((field) => usable.some((one) => one.name === field));
  const key =
    name && known.data ? JSON.stringify([name, pairs, present, cross.value, grain.value]) : null;
  const counted = useResource(key, (aborted) =>
    countStatistics(
      {
        dataset: name ?? "",
        filter: filter.value,
        fields: present,
        cross: crossed ? cross.value : null,
        count: grain.value,
      },
      aborted,
    ),
  );
  const data = counted.data;
  const words = filterWords(filter.value, known.data ?? []);
  const problem = known.error ?? counted.error;
  return (
    <div class="page">
      <div class="inner wide">
        <header class="page-head">
          <h1>Statistics</h1>
          {data && <span class="soft">{formatTotals(data.total)}</span>}
          <span class="grow" />
          <select
            class="select inline-choice"
            aria-label="Count"
            value={grain.value}
            onChange={(event) =>
              setGrain(GRAINS.find((one) => one === event.currentTarget.value) ?? "images")
            }
          >
            {GRAINS.map((one) => (
              <option key={one} value={one}>
                count {one}
              </option>
            ))}
          </select>
          <a class="button" href={withQuery("/explore", [...pairs, ["dataset", name ?? ""]])}>
            See the images
          </a>
          <p class="lead">{words.length ? words.join(" and ") : "All images"}</p>
        </header>
        <Choices fields={usable} />
        {problem && (
          <ProblemNote error={problem} retry={known.error ? known.reload : counted.reload} />
        )}
        {!data && counted.slow && <SkeletonLines lines={[40, 100, 80, 90, 60]} />}
        {data && (
          <div class={`statistics ${counted.slow ? "stale" : ""}`}>
            {data.distributions.map((one) => (
              <DistributionView
                key={one.field}
                of={one}
                counted={data.count}
                total={data.total[data.count]}
              />
            ))}
            {data.years && (
              <DistributionView
                counted={data.count}
                total={data.total[data.count]}
                of={{
                  field: "year",
                  label: "Year of the exam (shifted within a patient)",
                  level: "exam",
                  kind: "range",
                  bins: data.years,
                  summary: null,
                }}
              />
            )}
          </div>
        )}
        {data && <CrossView table={data.cross_tables[0]} fields={usable} />}
        {data?.missing && <MissingTable missing={data.missing} />}
        {data && data.total.images === 0 && (
          <p class="soft">{capitalise("no image fits this filter; every count is zero.")}</p>
        )}
      </div>
    </div>
  );
}
