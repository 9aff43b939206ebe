import { useState } from "preact/hooks";
import { deleteCohort } from "../../api/catalog";
import { person } from "../../api/session";
import type { Cohort } from "../../api/types";
import { navigate } from "../../lib/url";
import { Icon } from "../../ui/icon";
import { Menu } from "../../ui/menu";
import { ProblemNote } from "../../ui/problem";

/** Deleting asks once more: a paper may cite the cohort. */
export function DeleteButton({ cohort }: { cohort: Cohort }) {
  const [error, setError] = useState<Error | null>(null);
  const may = person.value?.role === "admin" || person.value?.person_id === cohort.owner;
  if (!may) return null;
  const remove = (): void => {
    deleteCohort(cohort.cohort_id).then(
      () => navigate("/cohorts"),
      (reason: unknown) => setError(reason instanceof Error ? reason : new Error(String(reason))),
    );
  };
  return (
    <Menu label="Delete this cohort" class="end" button={<Icon name="trash" />}>
      <div class="stack" data-stays>
        <p>
          Delete <strong>{cohort.name}</strong>? Its members and splits are gone then; the same
          definition on the same revision gives the same hash again.
        </p>
        {error && <ProblemNote error={error} />}
        <button type="button" class="button danger" onClick={remove}>
          Delete it
        </button>
      </div>
    </Menu>
  );
}
