/** A form from the part of JSON Schema that experiments use, and its check as one types. Pure. */
import type { JsonSchema } from "../api/types";
import { capitalise } from "./format";

export type FieldKind = "choice" | "integer" | "number" | "flag" | "text";

export interface FormField {
  readonly name: string;
  readonly label: string;
  readonly help: string;
  readonly kind: FieldKind;
  readonly choices: readonly string[];
  readonly nullable: boolean;
  readonly fallback: string;
  readonly least: number | null;
  readonly above: number | null;
  readonly most: number | null;
}

/** What matters first; the rest is folded away. */
const FIRST = ["model", "weights", "input_size", "epochs", "batch_size", "learning_rate", "seed"];

function resolve(schema: JsonSchema, root: JsonSchema): JsonSchema {
  const name = schema.$ref?.split("/").at(-1);
  const target = name ? root.$defs?.[name] : undefined;
  const { $ref: _, ...own } = schema;
  const merged = target ? { ...target, ...own } : own;
  const only = merged.allOf?.length === 1 ? merged.allOf[0] : undefined;
  return only ? { ...resolve(only, root), ...merged } : merged;
}

/** `anyOf [X, null]` is an optional X. */
function unwrap(schema: JsonSchema, root: JsonSchema): { schema: JsonSchema; nullable: boolean } {
  const whole = resolve(schema, root);
  if (!whole.anyOf) return { schema: whole, nullable: whole.type === "null" };
  const real = whole.anyOf.filter((one) => one.type !== "null");
  const first = real[0];
  if (!first) return { schema: whole, nullable: true };
  return {
    schema: { ...resolve(first, root), ...whole },
    nullable: real.length < whole.anyOf.length,
  };
}

function kindOf(schema: JsonSchema): FieldKind {
  if (schema.enum) return "choice";
  if (schema.type === "integer" || schema.type === "number") return schema.type;
  return schema.type === "boolean" ? "flag" : "text";
}

export const valueText = (value: unknown): string =>
  value === null || value === undefined ? "" : String(value);

export function settingLabel(name: string): string {
  return capitalise(name.replaceAll("_", " "));
}

export function formFields(root: JsonSchema): FormField[] {
  return Object.entries(root.properties ?? {}).map(([name, property]) => {
    const { schema, nullable } = unwrap(property, root);
    return {
      name,
      label: settingLabel(name),
      help: schema.description ?? "",
      kind: kindOf(schema),
      choices: (schema.enum ?? []).map(String),
      nullable,
      fallback: valueText(schema.default),
      least: schema.minimum ?? null,
      above: schema.exclusiveMinimum ?? null,
      most: schema.maximum ?? null,
    };
  });
}

export function isPrincipal(name: string): boolean {
  return FIRST.includes(name);
}

export function byImportance(a: FormField, b: FormField): number {
  const rank = (field: FormField): number => {
    const place = FIRST.indexOf(field.name);
    return place < 0 ? FIRST.length : place;
  };
  return rank(a) - rank(b);
}

/** What is wrong with a text, in words; null when nothing. An empty text means the default. */
export function fieldProblem(field: FormField, text: string): string | null {
  if (text === "") return null;
  if (field.kind === "choice") {
    return field.choices.includes(text) ? null : `One of ${field.choices.join(", ")}.`;
  }
  if (field.kind !== "integer" && field.kind !== "number") return null;
  const n = Number(text);
  if (!Number.isFinite(n)) return "A number.";
  if (field.kind === "integer" && !Number.isInteger(n)) return "A whole number.";
  if (field.least !== null && n < field.least) return `At least ${field.least}.`;
  if (field.above !== null && n <= field.above) return `Above ${field.above}.`;
  return field.most !== null && n > field.most ? `At most ${field.most}.` : null;
}

export function fieldValue(field: FormField, text: string): string | number | boolean {
  if (field.kind === "integer" || field.kind === "number") return Number(text);
  return field.kind === "flag" ? text === "true" : text;
}
