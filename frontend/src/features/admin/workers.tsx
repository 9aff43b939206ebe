import { listWorkers } from "../../api/people";
import { formatWhen } from "../../lib/format";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";
import { TableScroll } from "../../ui/scroll";

const worded = (about: object): string =>
  Object.entries(about)
    .filter(([, value]) => typeof value !== "object")
    .map(([name, value]) => `${name.replaceAll("_", " ")} ${value}`)
    .join(", ");

/** Who trains, on what, and whether they still breathe. */
export function Workers() {
  const workers = useResource("workers", async (aborted) => (await listWorkers(aborted)).items);
  if (workers.error) return <ProblemNote error={workers.error} retry={workers.reload} />;
  if (workers.data?.length === 0) {
    return (
      <p class="soft">
        No worker has reported. Jobs wait in the queue until one starts against the same broker.
      </p>
    );
  }
  if (!workers.data) return null;
  return (
    <>
      <div>
        <button type="button" class="button" onClick={workers.reload}>
          Refresh
        </button>
      </div>
      <TableScroll panel label="Workers">
        <table class="table rows">
          <thead>
            <tr>
              <th scope="col">Worker</th>
              <th scope="col">State</th>
              <th scope="col">Jobs</th>
              <th scope="col">Heartbeat</th>
              <th scope="col">About</th>
            </tr>
          </thead>
          <tbody>
            {workers.data.map((one) => (
              <tr key={one.name}>
                <td>
                  <span class="mono">{one.name}</span>
                  <br />
                  <span class="faint">{one.host}</span>
                </td>
                <td>{one.state}</td>
                <td>
                  {one.jobs.length === 0 && <span class="faint">none of {one.slots}</span>}
                  {one.jobs.map((id) => (
                    <a key={id} class="mono" href={`/jobs/${id}`}>
                      {id.slice(0, 8)}
                    </a>
                  ))}
                </td>
                <td class="soft">{formatWhen(one.heartbeat_at)}</td>
                <td class="faint">{worded(one.about)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableScroll>
    </>
  );
}
