import type { FilterField } from "../../api/types";
import { filterPieces, withoutPiece } from "../../lib/filter";
import { chipText } from "../../lib/pieces";
import { Icon } from "../../ui/icon";
import { applyFilter, filter } from "./state";

/** What is active, each piece removable. */
export function Chips({ fields }: { fields: readonly FilterField[] }) {
  const pieces = filterPieces(filter.value);
  if (pieces.length === 0) return null;
  return (
    <ul class="chips" aria-label="Active filters">
      {pieces.map((piece) => {
        const { name, value } = chipText(piece, filter.value, fields);
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
