import { useEffect } from "preact/hooks";
import { listCohorts } from "../../api/catalog";
import { mayTrain } from "../../api/session";
import type { Cohort } from "../../api/types";
import { formatCount, formatWhen } from "../../lib/format";
import { navigate, query, withQuery } from "../../lib/url";
import { Icon } from "../../ui/icon";
import { ownerName } from "../../ui/owner";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";
import { TableScroll } from "../../ui/scroll";
import { SkeletonLines } from "../../ui/skeleton";
import "./cohorts.css";

const MOST_COMPARED = 2;

/** Two at a time; a third takes the place of the first. */
function Row({ cohort }: { cohort: Cohort }) {
  const picked = query.value.getAll("_pick");
  const on = picked.includes(cohort.cohort_id);
  const toggle = (): void => {
    const left = picked.filter((one) => one !== cohort.cohort_id);
    const next = on ? left : [...left, cohort.cohort_id].slice(-MOST_COMPARED);
    const pairs = next.map((id): [string, string] => ["_pick", id]);
    navigate(withQuery("/cohorts", pairs), { replace: true });
  };
  return (
    <tr>
      <td>
        <input
          type="checkbox"
          aria-label={`Compare ${cohort.name}`}
          checked={on}
          onChange={toggle}
        />
      </td>
      <td class="name">
        <a href={`/cohorts/${cohort.cohort_id}`}>{cohort.name}</a>
      </td>
      <td>
        {cohort.classes.map((one) => (
          <span key={one.name} class="badge">
            {one.name} {formatCount(one.images)}
          </span>
        ))}
      </td>
      <td class="number">{formatCount(cohort.counts.images)}</td>
      <td class="number">{formatCount(cohort.counts.patients)}</td>
      <td class="soft">{cohort.dataset}</td>
      <td class="mono" title={cohort.sha256}>
        {cohort.sha256.slice(0, 10)}
      </td>
      <td class="soft">{ownerName(cohort.owner)}</td>
      <td class="soft" title={cohort.created_at}>
        {formatWhen(cohort.created_at)}
      </td>
    </tr>
  );
}

export function CohortList() {
  const cohorts = useResource("cohorts", listCohorts);
  useEffect(() => {
    document.title = "Cohorts · EMBED Lab";
  }, []);
  const items = cohorts.data;
  const picked = query.value.getAll("_pick");
  return (
    <div class="page">
      <div class="inner">
        <header class="page-head">
          <h1>Cohorts</h1>
          <span class="grow" />
          {picked.length === MOST_COMPARED ? (
            <a
              class="button"
              href={withQuery("/cohorts/compare", [
                ["a", picked[0] ?? ""],
                ["b", picked[1] ?? ""],
              ])}
            >
              Compare both
            </a>
          ) : (
            items && items.length > 1 && <span class="faint">Tick two to compare them</span>
          )}
          {mayTrain() && (
            <a class="button primary" href="/cohorts/new">
              <Icon name="plus" size={14} /> New cohort
            </a>
          )}
        </header>
        {cohorts.error && <ProblemNote error={cohorts.error} retry={cohorts.reload} />}
        {!items && cohorts.slow && <SkeletonLines lines={[100, 100, 100]} />}
        {items?.length === 0 && (
          <div class="empty">
            <h2>No cohort is frozen yet</h2>
            <p>
              Filter images in Explore, then freeze what is left as classes with splits by patient.
              Training and papers refer to that frozen cohort.
            </p>
            <a class="button" href="/explore">
              Go to Explore
            </a>
          </div>
        )}
        {items && items.length > 0 && (
          <TableScroll panel label="Cohorts">
            <table class="table rows">
              <thead>
                <tr>
                  <th scope="col">
                    <span class="visually-hidden">Compare</span>
                  </th>
                  <th scope="col">Name</th>
                  <th scope="col">Classes</th>
                  <th scope="col" class="number">
                    Images
                  </th>
                  <th scope="col" class="number">
                    Patients
                  </th>
                  <th scope="col">Dataset</th>
                  <th scope="col">Hash</th>
                  <th scope="col">Owner</th>
                  <th scope="col">Frozen</th>
                </tr>
              </thead>
              <tbody>
                {items.map((cohort) => (
                  <Row key={cohort.cohort_id} cohort={cohort} />
                ))}
              </tbody>
            </table>
          </TableScroll>
        )}
      </div>
    </div>
  );
}
