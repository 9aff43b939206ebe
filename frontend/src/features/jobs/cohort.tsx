import type { Cohort } from "../../api/types";
import { formatCount } from "../../lib/format";
import { query, setParameters } from "../../lib/url";

export const isByImage = (cohort: Cohort): boolean => cohort.definition.split.by === "image";

/** Which cohort; the choice stands in the address. */
export function CohortSelect({ cohorts }: { cohorts: readonly Cohort[] }) {
  return (
    <>
      <label class="label" for="cohort">
        Cohort
      </label>
      <select
        id="cohort"
        class="select"
        value={query.value.get("cohort") ?? ""}
        onChange={(event) =>
          setParameters({ cohort: event.currentTarget.value }, { replace: true })
        }
      >
        <option value="">Choose a frozen cohort</option>
        {cohorts.map((one) => (
          <option key={one.cohort_id} value={one.cohort_id}>
            {one.name}, {formatCount(one.counts.images)} images
            {isByImage(one) && ", split by image"}
          </option>
        ))}
      </select>
    </>
  );
}
