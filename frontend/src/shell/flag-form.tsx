import { useState } from "preact/hooks";
import { flagImage } from "../api/catalog";
import type { FlagKind } from "../api/types";
import { FLAG_WORDS } from "../lib/flags";
import { plural } from "../lib/format";
import { ProblemNote } from "../ui/problem";

const MOST_NOTE = 2000;

/** Says of one or several images what is wrong with them; a cohort may leave flagged images out. */
export function FlagForm({
  imageIds,
  onFlagged,
}: {
  imageIds: readonly number[];
  onFlagged?: () => void;
}) {
  const [kind, setKind] = useState<FlagKind>("unreadable");
  const [note, setNote] = useState("");
  const [done, setDone] = useState<number | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const flag = async (event: Event): Promise<void> => {
    event.preventDefault();
    setError(null);
    try {
      for (const id of imageIds) await flagImage(id, kind, note.trim());
      setDone(imageIds.length);
      setNote("");
      onFlagged?.();
    } catch (reason) {
      setError(reason instanceof Error ? reason : new Error(String(reason)));
    }
  };
  return (
    <form class="stack" onSubmit={flag}>
      <label class="field">
        <span class="label">What is wrong</span>
        <select
          class="select"
          value={kind}
          onChange={(event) => setKind(event.currentTarget.value as FlagKind)}
        >
          {Object.entries(FLAG_WORDS).map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        <span class="label">Note{kind === "note" ? "" : ", if it helps"}</span>
        <input
          class="input"
          value={note}
          maxLength={MOST_NOTE}
          required={kind === "note"}
          onInput={(event) => setNote(event.currentTarget.value)}
        />
      </label>
      {error && <ProblemNote error={error} />}
      <button type="submit" class="button primary">
        Flag {imageIds.length === 1 ? "this image" : plural(imageIds.length, "image")}
      </button>
      {done !== null && <p role="status">{plural(done, "image")} flagged.</p>}
    </form>
  );
}
