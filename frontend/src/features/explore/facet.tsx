import { useState } from "preact/hooks";
import type { FilterField, Option } from "../../api/types";
import { toggleValue, type Value } from "../../lib/filter";
import { formatCompact, formatCount } from "../../lib/format";
import { mergeOptions, optionLabel, SHORT } from "../../lib/options";
import { assessmentOf, assessmentWords } from "../../lib/vocabulary";
import { AssessmentMark } from "../../ui/assessment";
import { applyFilter, filter } from "./state";

const SEARCHABLE = 12;

function OptionRow({ field, option, sum }: { field: FilterField; option: Option; sum: number }) {
  const condition = filter.value[field.name] ?? {};
  const included = condition.in?.includes(option.value) ?? false;
  const excluded = condition.not?.includes(option.value) ?? false;
  const toggle = (exclude: boolean): void =>
    applyFilter(toggleValue(filter.value, field.name, option.value, exclude));
  const share = sum > 0 ? (option.count / sum) * 100 : 0;
  const label = optionLabel(field.name, option);
  const assessment = field.name === "asses" ? assessmentOf(option.value) : undefined;
  const full = assessment ? assessmentWords(assessment.code) : label;
  return (
    <li class={`option ${excluded ? "excluded" : ""} ${option.count === 0 ? "none" : ""}`}>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: alt-click is a shortcut; the button beside it has the keyboard */}
      <label
        title={`${full}: ${formatCount(option.count)} images. Alt-click leaves them out.`}
        onClick={(event) => {
          if (!event.altKey) return;
          event.preventDefault();
          toggle(true);
        }}
      >
        <input type="checkbox" checked={included} onChange={() => toggle(excluded)} />
        {assessment && <AssessmentMark code={assessment.code} />}
        <span class="option-label">{label}</span>
        <span class="option-count">{formatCompact(option.count)}</span>
        <span class="option-bar" style={{ "--share": `${share}%` }} />
      </label>
      <button
        type="button"
        class="option-not"
        aria-pressed={excluded}
        title={excluded ? `Take ${label} back in` : `Leave ${label} out`}
        onClick={() => toggle(true)}
      >
        <span aria-hidden="true">≠</span>
        <span class="visually-hidden">Leave {label} out</span>
      </button>
    </li>
  );
}

interface Props {
  readonly field: FilterField;
  readonly counted: readonly Option[] | undefined;
}

/** Options with counts; a long list starts short, and is searched when it is opened. */
export function CategoryFacet({ field, counted }: Props) {
  const [all, setAll] = useState(false);
  const [sought, setSought] = useState("");
  const condition = filter.value[field.name] ?? {};
  const options = mergeOptions(field, counted, condition);
  const sum = options.reduce((total, option) => total + option.count, 0);
  const needle = sought.trim().toLowerCase();
  const matching = options.filter((option) => matches(option, needle));
  const isChosen = (value: Value): boolean =>
    Boolean(condition.in?.includes(value) || condition.not?.includes(value));
  const shown = all
    ? matching
    : matching.filter((option, place) => place < SHORT || isChosen(option.value));
  const hidden = matching.length - shown.length;
  return (
    <>
      {all && options.length > SEARCHABLE && (
        <input
          class="input facet-search"
          type="search"
          placeholder={`Search ${options.length} values`}
          aria-label={`Search the values of ${field.label}`}
          value={sought}
          onInput={(event) => setSought(event.currentTarget.value)}
        />
      )}
      <ul class={`options ${all && options.length > SEARCHABLE ? "scrolls" : ""}`}>
        {shown.map((option) => (
          <OptionRow key={option.value ?? "\u0000"} field={field} option={option} sum={sum} />
        ))}
      </ul>
      {matching.length === 0 && <p class="faint facet-hint">No value matches.</p>}
      {(hidden > 0 || all) && options.length > SHORT && (
        <button type="button" class="more" onClick={() => setAll(!all)}>
          {all ? "Show fewer" : `${hidden} more`}
        </button>
      )}
    </>
  );
}

function matches(option: Option, needle: string): boolean {
  return (
    !needle || option.label.toLowerCase().includes(needle) || option.value?.toLowerCase() === needle
  );
}
