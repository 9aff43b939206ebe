/** The options of a facet as a list that stays still while its counts move. Pure. */
import type { FilterField, Option } from "../api/types";
import type { Condition, Value } from "./filter";
import { capitalise } from "./format";
import { assessmentOf, assessmentRank } from "./vocabulary";

/** Up to so many options keep the order of the field; longer lists put the frequent ones first. */
export const SHORT = 8;

/**
 * Counts under the present filter on the options of the field. An option without hits stays, with 0: a list whose lines
 * come and go cannot be learnt by the hand. Until counts are there, the field's own stand in.
 */
export function mergeOptions(
  field: FilterField,
  counted: readonly Option[] | undefined,
  chosen: Condition,
): Option[] {
  const counts = new Map((counted ?? field.options).map((option) => [option.value, option]));
  const merged = field.options.map((option) => ({
    ...option,
    count: counts.get(option.value)?.count ?? 0,
  }));
  const known = new Set(merged.map((option) => option.value));
  const add = (value: Value, label: string, count: number): void => {
    if (known.has(value)) return;
    known.add(value);
    merged.push({ value, label, count });
  };
  for (const option of counts.values()) add(option.value, option.label, option.count);
  for (const value of [...(chosen.in ?? []), ...(chosen.not ?? [])]) add(value, value ?? "", 0);
  if (field.name === "asses") {
    return merged.sort((a, b) => assessmentRank(a.value ?? "") - assessmentRank(b.value ?? ""));
  }
  return merged.length <= SHORT ? merged : merged.sort((a, b) => b.count - a.count);
}

/** An assessment's letter stands beside it, so its words are enough. */
export function optionLabel(field: string, option: Option): string {
  if (option.value === null) return "not recorded";
  const assessment = field === "asses" ? assessmentOf(option.value) : undefined;
  if (assessment) return capitalise(assessment.words);
  // Words of a vocabulary begin large; a code or a text of the table stays as it is written.
  return option.label === option.value ? option.label : capitalise(option.label);
}
