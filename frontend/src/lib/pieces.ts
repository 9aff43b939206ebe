/** A piece of a filter in the words of its field. */
import type { FilterField } from "../api/types";
import { type Condition, type Filter, filterPieces, type Piece } from "./filter";

function rangeText(condition: Condition): string {
  const low = condition.gte ?? condition.gt;
  const high = condition.lte ?? condition.lt;
  const from = low === undefined ? "" : `${condition.gte === undefined ? "above" : "from"} ${low}`;
  const to = high === undefined ? "" : `${condition.lte === undefined ? "below" : "to"} ${high}`;
  return [from, to].filter(Boolean).join(" ");
}

const PREFIX = { in: "", not: "not ", none: "none is " } as const;

export function chipText(
  piece: Piece,
  filter: Filter,
  fields: readonly FilterField[],
): { name: string; value: string } {
  const field = fields.find((one) => one.name === piece.field);
  const name = field?.label ?? piece.field;
  if (piece.kind === "range") return { name, value: rangeText(filter[piece.field] ?? {}) };
  const option = field?.options.find((one) => one.value === piece.value);
  const label = piece.value === null ? "not recorded" : (option?.label ?? piece.value);
  return { name, value: PREFIX[piece.kind] + label };
}

/** `Assessment B or K and View CC`: values of a field are OR, fields are AND, what is left out is AND. */
export function filterWords(filter: Filter, fields: readonly FilterField[]): string[] {
  return Object.keys(filter).map((field) => {
    const own = filterPieces({ [field]: filter[field] ?? {} });
    const texts = own.map((piece) => ({ piece, ...chipText(piece, filter, fields) }));
    const name = texts[0]?.name ?? field;
    const join = own.every((piece) => piece.kind === "not" || piece.kind === "none")
      ? " and "
      : " or ";
    return `${name} ${texts.map((text) => text.value).join(join)}`;
  });
}
