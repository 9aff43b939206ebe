import { useState } from "preact/hooks";
import type { Facets, FilterField } from "../../api/types";
import { withCondition } from "../../lib/filter";
import { Icon } from "../../ui/icon";
import { SkeletonLines } from "../../ui/skeleton";
import { CategoryFacet } from "./facet";
import { openFacets, setOpen } from "./folds";
import { LEVELS, orderFields } from "./order";
import { RangeFacetView } from "./range";
import { applyFilter, filter } from "./state";

function IdentifierFacet({ field }: { field: FilterField }) {
  const chosen = filter.value[field.name]?.in?.[0] ?? "";
  return (
    <input
      class="input"
      type="search"
      placeholder={field.label}
      aria-label={field.label}
      value={chosen}
      spellcheck={false}
      onChange={(event) => {
        const text = event.currentTarget.value.trim();
        applyFilter(withCondition(filter.value, field.name, text ? { in: [text] } : null));
      }}
    />
  );
}

function FacetBody({ field, counts }: { field: FilterField; counts: Facets | undefined }) {
  if (field.kind === "identifier") return <IdentifierFacet field={field} />;
  if (field.kind === "range" || field.kind === "date") {
    return <RangeFacetView field={field} counted={counts?.ranges[field.name]} />;
  }
  return <CategoryFacet field={field} counted={counts?.facets[field.name]} />;
}

function FacetView({
  field,
  counts,
  forced,
}: {
  field: FilterField;
  counts: Facets | undefined;
  forced: boolean;
}) {
  const open = forced || openFacets.value.has(field.name);
  const active = field.name in filter.value;
  return (
    <section class={`facet ${open ? "open" : ""}`}>
      <h4>
        <button
          type="button"
          aria-expanded={open}
          title={field.description ?? `Column ${field.name}`}
          onClick={() => setOpen(field.name, !open)}
        >
          <Icon name="right" size={12} />
          <span>{field.label}</span>
          {active && <span class="facet-active" role="img" aria-label="filtered" />}
        </button>
      </h4>
      {open && (
        <div class="facet-body">
          <FacetBody field={field} counts={counts} />
        </div>
      )}
    </section>
  );
}

interface LevelProps {
  readonly title: string;
  readonly fields: readonly FilterField[];
  readonly counts: Facets | undefined;
  readonly forced: boolean;
  readonly folded: boolean;
}

/** One grain: its principal facets, and the others behind a fold unless they were searched for. */
function LevelSection({ title, fields, counts, forced, folded }: LevelProps) {
  const [all, setAll] = useState(false);
  if (fields.length === 0) return null;
  const { first, more } = orderFields(fields, new Set(Object.keys(filter.value)));
  const shown = folded && !all ? first : [...first, ...more];
  return (
    <section class="level" aria-label={title}>
      <h3>{title}</h3>
      {shown.map((field) => (
        <FacetView key={field.name} field={field} counts={counts} forced={forced} />
      ))}
      {folded && more.length > 0 && (
        <button
          type="button"
          class="more level-more"
          aria-expanded={all}
          onClick={() => setAll(!all)}
        >
          {all ? "Fewer" : `${more.length} more of the ${title.toLowerCase()}`}
        </button>
      )}
    </section>
  );
}

function sought(field: FilterField, needle: string): boolean {
  if (!needle) return true;
  return [field.label, field.name, ...field.options.map((option) => option.label)].some((text) =>
    text.toLowerCase().includes(needle),
  );
}

interface Props {
  /** Null until they are known. */
  readonly fields: readonly FilterField[] | null;
  readonly counts: Facets | undefined;
  readonly stale: boolean;
}

/** The shape of what will stand here. */
function PanelSkeleton() {
  return (
    <div class="facets-wait">
      {[5, 4, 7].map((lines) => (
        <SkeletonLines key={lines} lines={[45, ...new Array<number>(lines).fill(100)]} />
      ))}
    </div>
  );
}

/** The facets by grain: patient, exam, finding, image. Searching opens nothing that is not asked for. */
export function FacetPanel({ fields, counts, stale }: Props) {
  const [text, setText] = useState("");
  const needle = text.trim().toLowerCase();
  const found = (fields ?? []).filter((field) => sought(field, needle));
  const forced = needle !== "" && found.length <= 3;
  return (
    <div class={`facets ${stale ? "stale" : ""}`}>
      <div class="facets-search">
        <input
          class="input"
          type="search"
          placeholder="Find a filter or a value"
          aria-label="Find a filter or a value"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </div>
      {LEVELS.map(({ level, title }) => (
        <LevelSection
          key={level}
          title={title}
          fields={found.filter((field) => field.level === level)}
          counts={counts}
          forced={forced}
          folded={needle === ""}
        />
      ))}
      {fields === null && <PanelSkeleton />}
      {fields !== null && found.length === 0 && (
        <p class="faint facet-hint">No filter and no value of that name.</p>
      )}
    </div>
  );
}
