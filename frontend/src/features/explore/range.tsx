import { useEffect, useState } from "preact/hooks";
import type { FilterField, RangeFacet } from "../../api/types";
import { type Condition, withCondition } from "../../lib/filter";
import { formatCompact, formatCount } from "../../lib/format";
import { applyFilter, filter } from "./state";

interface Bounds {
  readonly low: string;
  readonly high: string;
}

/** Bounds as the condition holds them; a strict one shows its number, which is close enough to edit. */
function boundsOf(condition: Condition | undefined): Bounds {
  return {
    low: condition?.gte ?? condition?.gt ?? "",
    high: condition?.lte ?? condition?.lt ?? "",
  };
}

const toNumber = (text: string | number | null, date: boolean): number =>
  date ? Date.parse(String(text)) / 86_400_000 : Number(text);

const toText = (value: number, date: boolean): string =>
  date ? new Date(Math.round(value) * 86_400_000).toISOString().slice(0, 10) : String(value);

/** Bounds typed the wrong way round are meant the other way. */
function ordered({ low, high }: Bounds, date: boolean): Bounds {
  const swapped = low !== "" && high !== "" && toNumber(low, date) > toNumber(high, date);
  return swapped ? { low: high, high: low } : { low, high };
}

function Histogram({ range, bounds, date }: { range: RangeFacet; bounds: Bounds; date: boolean }) {
  const most = Math.max(1, ...range.buckets.map((bucket) => bucket.count));
  const low = bounds.low === "" ? -Infinity : toNumber(bounds.low, date);
  const high = bounds.high === "" ? Infinity : toNumber(bounds.high, date);
  return (
    <div class="histogram" aria-hidden="true">
      {range.buckets.map((bucket) => {
        const inside = toNumber(bucket.lt, date) > low && toNumber(bucket.gte, date) <= high;
        const height = bucket.count ? Math.max(4, (bucket.count / most) * 100) : 0;
        return (
          <span
            key={String(bucket.gte)}
            class={inside ? "in" : ""}
            style={{ "--height": `${height}%` }}
            title={`${bucket.gte} to ${bucket.lt}: ${formatCount(bucket.count)}`}
          />
        );
      })}
    </div>
  );
}

interface Props {
  readonly field: FilterField;
  readonly counted: RangeFacet | undefined;
}

/** A histogram, two handles on it and two numbers under it; all four mean the same. */
export function RangeFacetView({ field, counted }: Props) {
  const date = field.kind === "date";
  const condition = filter.value[field.name];
  const [draft, setDraft] = useState<Bounds>(boundsOf(condition));
  const active = boundsOf(condition);
  // Each end by itself: what is being typed at one must survive that the other was taken over.
  useEffect(() => setDraft((now) => ({ ...now, low: active.low })), [active.low]);
  useEffect(() => setDraft((now) => ({ ...now, high: active.high })), [active.high]);

  const nullsToo = condition?.in?.includes(null) ?? false;
  const commit = (given: Bounds, nulls = nullsToo): void => {
    const bounds = ordered(given, date);
    // Values and a range of one field are OR: null beside a range adds what is not recorded.
    const next: Condition = {
      ...(nulls ? { in: [null] } : {}),
      ...(bounds.low === "" ? {} : { gte: bounds.low }),
      ...(bounds.high === "" ? {} : { lte: bounds.high }),
    };
    applyFilter(withCondition(filter.value, field.name, next));
  };
  const least = field.range?.min ?? counted?.min ?? null;
  const most = field.range?.max ?? counted?.max ?? null;
  const min = least === null ? 0 : Math.floor(toNumber(least, date));
  const max = most === null ? 1 : Math.ceil(toNumber(most, date));
  const step = date || max - min > 20 ? 1 : Math.max((max - min) / 100, 0.01);
  const lowAt = draft.low === "" ? min : toNumber(draft.low, date);
  const highAt = draft.high === "" ? max : toNumber(draft.high, date);
  const nulls = counted?.nulls ?? field.range?.nulls ?? 0;
  const ranged = active.low !== "" || active.high !== "";

  const drag = (end: keyof Bounds, value: number): void => {
    const clamped = end === "low" ? Math.min(value, highAt) : Math.max(value, lowAt);
    const atEnd = end === "low" ? clamped <= min : clamped >= max;
    setDraft({ ...draft, [end]: atEnd ? "" : toText(clamped, date) });
  };
  const handle = (end: keyof Bounds, at: number) => (
    <input
      type="range"
      min={min}
      max={max}
      step={step}
      value={at}
      aria-label={`${field.label}, ${end === "low" ? "from" : "to"}`}
      aria-valuetext={toText(at, date)}
      onInput={(event) => drag(end, Number(event.currentTarget.value))}
      onChange={() => commit(draft)}
    />
  );
  const entry = (end: keyof Bounds, placeholder: string | number | null) => (
    <input
      class="input"
      type={date ? "date" : "number"}
      step="any"
      value={draft[end]}
      placeholder={placeholder === null ? "" : String(placeholder)}
      aria-label={`${field.label}, ${end === "low" ? "at least" : "at most"}`}
      onInput={(event) => setDraft({ ...draft, [end]: event.currentTarget.value })}
      onChange={(event) => commit({ ...draft, [end]: event.currentTarget.value })}
    />
  );
  return (
    <div class="range">
      {counted && counted.buckets.length > 0 && (
        <Histogram range={counted} bounds={draft} date={date} />
      )}
      {least !== null && most !== null && max > min && (
        <div class="handles">
          {handle("low", lowAt)}
          {handle("high", highAt)}
        </div>
      )}
      <div class="row">
        {entry("low", least)}
        <span class="faint">to</span>
        {entry("high", most)}
      </div>
      {(nulls > 0 || nullsToo) && (
        <label class="check facet-hint">
          <input type="checkbox" checked={nullsToo} onChange={() => commit(draft, !nullsToo)} />
          <span class="grow">{ranged ? "and not recorded" : "only not recorded"}</span>
          <span class="option-count">{formatCompact(nulls)}</span>
        </label>
      )}
    </div>
  );
}
