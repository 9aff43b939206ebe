/**
 * The filter grammar of the API, as a value.
 *
 * Query string: `asses=S&asses=M&ViewPosition=CC&age_at_study.gte=40&path_severity=null&side.not=L`.
 * JSON: `{"asses": ["S","M"], "age_at_study": {"gte": 40}, "path_severity": [null], "side": {"not": ["L"]}}`.
 * Values of one field are OR, fields are AND; `null` stands for "not recorded".
 */

/** A code as the API writes it; `null` is "not recorded". */
export type Value = string | null;

export type Bound = "gte" | "gt" | "lte" | "lt";
const BOUNDS: readonly Bound[] = ["gte", "gt", "lte", "lt"];

export interface Condition {
  readonly in?: readonly Value[];
  readonly not?: readonly Value[];
  readonly none?: readonly Value[];
  readonly gte?: string;
  readonly gt?: string;
  readonly lte?: string;
  readonly lt?: string;
}

export type Filter = Readonly<Record<string, Condition>>;

/** What a list of a condition is called in the query string. */
type Listing = "in" | "not" | "none";
const LISTINGS: readonly Listing[] = ["in", "not", "none"];

/** Parameters of the API that are not filters. Names of our own start with `_`. */
const RESERVED = new Set(["dataset", "sort", "cursor", "limit"]);

export function isFilterKey(key: string): boolean {
  return !RESERVED.has(key) && !key.startsWith("_");
}

const toValue = (text: string): Value => (text === "null" ? null : text);
const toText = (value: Value): string => value ?? "null";

/** `age_at_study.gte` is (age_at_study, gte); `clinical.desc` keeps its dot: only known operators are cut off. */
function splitKey(key: string): { field: string; operator: Listing | Bound } {
  const dot = key.lastIndexOf(".");
  const tail = key.slice(dot + 1);
  if (dot > 0) {
    const operator = [...LISTINGS, ...BOUNDS].find((name) => name === tail && name !== "in");
    if (operator) return { field: key.slice(0, dot), operator };
  }
  return { field: key, operator: "in" };
}

function isBound(operator: Listing | Bound): operator is Bound {
  return operator !== "in" && operator !== "not" && operator !== "none";
}

export function parseFilter(query: URLSearchParams): Filter {
  const filter: Record<string, Condition> = {};
  for (const [key, text] of query) {
    if (!isFilterKey(key) || text === "") continue;
    const { field, operator } = splitKey(key);
    const known = filter[field] ?? {};
    const next = isBound(operator) ? text : [...(known[operator] ?? []), toValue(text)];
    filter[field] = { ...known, [operator]: next };
  }
  return filter;
}

/** The pairs of the query string, in the order the conditions were made. */
export function filterPairs(filter: Filter): [string, string][] {
  const pairs: [string, string][] = [];
  for (const [field, condition] of Object.entries(filter)) {
    for (const listing of LISTINGS) {
      const key = listing === "in" ? field : `${field}.${listing}`;
      for (const value of condition[listing] ?? []) pairs.push([key, toText(value)]);
    }
    for (const bound of BOUNDS) {
      const text = condition[bound];
      if (text !== undefined && text !== "") pairs.push([`${field}.${bound}`, text]);
    }
  }
  return pairs;
}

export type JsonCondition = Value[] | Record<string, Value[] | string | number>;

const asNumber = (text: string): string | number =>
  text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;

function conditionJson(condition: Condition): JsonCondition {
  const keys = Object.keys(condition);
  if (keys.length === 1 && condition.in) return [...condition.in];
  const json: Record<string, Value[] | string | number> = {};
  for (const listing of LISTINGS) {
    const values = condition[listing];
    if (values?.length) json[listing] = [...values];
  }
  for (const bound of BOUNDS) {
    const text = condition[bound];
    if (text !== undefined && text !== "") json[bound] = asNumber(text);
  }
  return json;
}

export function filterJson(filter: Filter): Record<string, JsonCondition> {
  return Object.fromEntries(
    Object.entries(filter).map(([field, condition]) => [field, conditionJson(condition)]),
  );
}

/** The other direction, for definitions that come back from the server. */
export function fromJson(json: Readonly<Record<string, unknown>>): Filter {
  const filter: Record<string, Condition> = {};
  for (const [field, raw] of Object.entries(json)) {
    const parts = Array.isArray(raw) ? { in: raw } : raw;
    if (typeof parts !== "object" || parts === null) {
      filter[field] = { in: [scalar(raw)] };
      continue;
    }
    const condition: Record<string, Value[] | string> = {};
    for (const [operator, value] of Object.entries(parts)) {
      condition[operator] = Array.isArray(value) ? value.map(scalar) : String(value);
    }
    filter[field] = condition;
  }
  return filter;
}

const scalar = (value: unknown): Value => (value === null ? null : String(value));

function isEmpty(condition: Condition): boolean {
  return filterPairs({ field: condition }).length === 0;
}

export function withCondition(filter: Filter, field: string, condition: Condition | null): Filter {
  const { [field]: _, ...rest } = filter;
  if (!condition || isEmpty(condition)) return rest;
  // Replacing keeps the field's place, so that chips do not jump.
  return field in filter ? { ...filter, [field]: condition } : { ...rest, [field]: condition };
}

function without(values: readonly Value[] | undefined, value: Value): Value[] {
  return (values ?? []).filter((other) => other !== value);
}

/** Selects a value, or takes it back; `exclude` does the same among the excluded ones. */
export function toggleValue(filter: Filter, field: string, value: Value, exclude = false): Filter {
  const { in: included = [], not: excluded = [], ...rest } = filter[field] ?? {};
  const active = exclude ? excluded : included;
  const next = active.includes(value) ? without(active, value) : [...without(active, value), value];
  const lists = exclude
    ? { in: without(included, value), not: next }
    : { in: next, not: without(excluded, value) };
  const condition: Condition = {
    ...rest,
    ...(lists.in.length ? { in: lists.in } : {}),
    ...(lists.not.length ? { not: lists.not } : {}),
  };
  return withCondition(filter, field, condition);
}

/** One removable piece of a filter: a value, or a range as a whole. */
export interface Piece {
  readonly field: string;
  readonly kind: Listing | "range";
  readonly value: Value;
}

export function filterPieces(filter: Filter): Piece[] {
  return Object.entries(filter).flatMap(([field, condition]) => {
    const pieces: Piece[] = LISTINGS.flatMap((kind) =>
      (condition[kind] ?? []).map((value) => ({ field, kind, value })),
    );
    const ranged = BOUNDS.some((bound) => condition[bound] !== undefined);
    return ranged ? [...pieces, { field, kind: "range" as const, value: null }] : pieces;
  });
}

export function withoutPiece(filter: Filter, piece: Piece): Filter {
  const condition = filter[piece.field];
  if (!condition) return filter;
  if (piece.kind === "range") {
    const { gte: _a, gt: _b, lte: _c, lt: _d, ...rest } = condition;
    return withCondition(filter, piece.field, rest);
  }
  const left = without(condition[piece.kind], piece.value);
  const { [piece.kind]: _, ...rest } = condition;
  return withCondition(filter, piece.field, left.length ? { ...rest, [piece.kind]: left } : rest);
}
