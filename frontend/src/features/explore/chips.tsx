import type { FilterField } from "../../api/types";
import { filterPieces, type Piece, withoutPiece } from "../../lib/filter";
import { Icon } from "../../ui/icon";
import { applyFilter, filter } from "./state";

function rangeText(piece: Piece): string {
  const { gte, gt, lte, lt } = filter.value[piece.field] ?? {};
  const low = gte ?? gt;
  const high = lte ?? lt;
  const from = low === undefined ? "" : `${gt === undefined ? "from" : "above"} ${low}`;
  const to = high === undefined ? "" : `${lt === undefined ? "to" : "below"} ${high}`;
  return [from, to].filter(Boolean).join(" ");
}

export function chipText(piece: Piece, fields: readonly FilterField[]): { name: string; value: string } {
  const field = fields.find((one) => one.name === piece.field);
  const name = field?.label ?? piece.field;
  if (piece.kind === "range") return { name, value: rangeText(piece) };
  const option = field?.options.find((one) => one.value === piece.value);
  const label = piece.value === null ? "not recorded" : (option?.label ?? piece.value);
  const prefix = { in: "", not: "not ", none: "none is " }[piece.kind];
  return { name, value: prefix + label };
}

/** What is active, each piece removable. */
export function Chips({ fields }: { fields: readonly FilterField[] }) {
  const pieces = filterPieces(filter.value);
  if (pieces.length === 0) return null;
  return (
    <ul class="chips" aria-label="Active filters">
      {pieces.map((piece) => {
        const { name, value } = chipText(piece, fields);
        return (
          <li key={`${piece.field} ${piece.kind} ${piece.value}`}>
            <button
              type="button"
              class="chip"
              aria-label={`Remove ${name}: ${value}`}
              onClick={() => applyFilter(withoutPiece(filter.value, piece))}
            >
              <span class="faint">{name}</span> {value}
              <Icon name="close" size={12} />
            </button>
          </li>
        );
      })}
      <li>
        <button type="button" class="chip clear" onClick={() => applyFilter({})}>
          Clear
        </button>
      </li>
    </ul>
  );
}
