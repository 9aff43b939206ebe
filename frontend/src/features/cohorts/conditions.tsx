import type { FlagKind, Recipe } from "../../api/types";
import { type CohortDraft, MATCHABLE, type MatchDraft } from "../../lib/cohort";
import { FLAG_WORDS } from "../../lib/flags";
import { Prose } from "../../ui/prose";

interface Props {
  readonly draft: CohortDraft;
  readonly onChange: (changes: Partial<CohortDraft>) => void;
}

/** A published curation instead of classes of one's own. */
export function RecipeChoice({ draft, recipes, onChange }: Props & { recipes: readonly Recipe[] }) {
  const chosen = recipes.find((one) => one.name === draft.recipe);
  return (
    <>
      <label class="field">
        <span class="label">Curation</span>
        <select
          class="select"
          value={draft.recipe ?? ""}
          onChange={(event) => onChange({ recipe: event.currentTarget.value || null })}
        >
          <option value="">Classes of my own, below</option>
          {recipes.map((one) => (
            <option key={one.name} value={one.name}>
              {one.title}
            </option>
          ))}
        </select>
      </label>
      {chosen && (
        <div class="recipe-note">
          <p>
            <Prose text={chosen.description} />
          </p>
          <p class="faint">
            After {chosen.source}, {chosen.release}; classes {chosen.classes.join(", ")}.
          </p>
        </div>
      )}
    </>
  );
}

const LIKE: Readonly<Record<(typeof MATCHABLE)[number], string>> = {
  age: "age (5 years)",
  density: "density",
  manufacturer: "vendor",
  year: "year",
};

/** Controls that resemble their cases, and images that people flagged. */
export function Conditions({ draft, onChange }: Props) {
  const { match } = draft;
  const cases = match?.cases ?? draft.classes.at(-1)?.name ?? "";
  const set = (changes: Partial<MatchDraft>): void => {
    const next = { cases, on: match?.on ?? [], controls: match?.controls ?? 1, ...changes };
    onChange({ match: next.on.length ? next : null });
  };
  const flags = Object.entries(FLAG_WORDS) as [FlagKind, string][];
  return (
    <>
      <fieldset class="conditions">
        <legend class="label">
          Controls like each{" "}
          {draft.recipe ? (
            "case"
          ) : (
            <select
              class="select inline"
              aria-label="Class of the cases"
              value={cases}
              onChange={(event) => set({ cases: event.currentTarget.value })}
            >
              {draft.classes.map((one) => (
                <option key={one.name} value={one.name}>
                  {one.name || "unnamed"}
                </option>
              ))}
            </select>
          )}{" "}
          in
        </legend>
        {MATCHABLE.map((name) => (
          <label key={name} class="check">
            <input
              type="checkbox"
              checked={match?.on.includes(name) ?? false}
              onChange={() => {
                const on = match?.on ?? [];
                set({ on: on.includes(name) ? on.filter((one) => one !== name) : [...on, name] });
              }}
            />{" "}
            {LIKE[name]}
          </label>
        ))}
        {match && (
          <label class="check">
            <input
              class="input inline"
              inputMode="numeric"
              aria-label="Control exams for each case"
              value={String(match.controls)}
              onChange={(event) =>
                set({ controls: Math.max(1, Number.parseInt(event.currentTarget.value, 10) || 1) })
              }
            />{" "}
            control exams for each case
          </label>
        )}
      </fieldset>
      <fieldset class="conditions">
        <legend class="label">Leave out images flagged as</legend>
        {flags.map(([kind, words]) => (
          <label key={kind} class="check">
            <input
              type="checkbox"
              checked={draft.withoutFlags.includes(kind)}
              onChange={() => {
                const now = draft.withoutFlags;
                const next = now.includes(kind)
                  ? now.filter((one) => one !== kind)
                  : [...now, kind];
                onChange({ withoutFlags: next });
              }}
            />{" "}
            {words}
          </label>
        ))}
      </fieldset>
    </>
  );
}
