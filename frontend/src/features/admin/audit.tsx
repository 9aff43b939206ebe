import { useEffect, useState } from "preact/hooks";
import { listPeople, searchAudit } from "../../api/people";
import type { Audit } from "../../api/types";
import { formatBytes, formatCount, formatWhen, plural } from "../../lib/format";
import { query, setParameters } from "../../lib/url";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";
import { TableScroll } from "../../ui/scroll";
import { SkeletonLines } from "../../ui/skeleton";

function Row({ row }: { row: Audit }) {
  return (
    <tr>
      <td class="soft" title={row.at}>
        {formatWhen(row.at)}
      </td>
      <td>{row.email ?? "nobody signed in"}</td>
      <td class="mono">{row.action}</td>
      <td class="mono audit-object">{row.object ?? ""}</td>
      <td class="number">{row.status}</td>
      <td class="number">{formatCount(row.times)}</td>
      <td class="number">{row.bytes ? formatBytes(row.bytes) : "–"}</td>
      <td class="faint mono">{row.address ?? ""}</td>
    </tr>
  );
}

/** Who did what, newest first; pictures are summed per minute, originals and exports stand alone. */
export function AuditLog() {
  const personId = query.value.get("_person") ?? "";
  const action = query.value.get("_action") ?? "";
  const since = query.value.get("_since") ?? "";
  const [typed, setTyped] = useState(action);
  useEffect(() => setTyped(action), [action]);
  const [more, setMore] = useState<{ key: string; rows: readonly Audit[]; next: string | null }>();
  const people = useResource("people", listPeople);
  const asked = {
    ...(personId ? { personId } : {}),
    ...(action ? { action } : {}),
    ...(since ? { since } : {}),
  };
  const key = `audit ${JSON.stringify(asked)}`;
  const first = useResource(key, (aborted) => searchAudit(asked, aborted));
  const added = more?.key === key ? more : undefined;
  const rows = [...(first.data?.items ?? []), ...(added?.rows ?? [])];
  const next = added ? added.next : (first.data?.next ?? null);
  const loadMore = async (): Promise<void> => {
    if (!next) return;
    const page = await searchAudit({ ...asked, cursor: next });
    setMore({ key, rows: [...(added?.rows ?? []), ...page.items], next: page.next ?? null });
  };
  return (
    <>
      <form
        class="row wrap audit-filters"
        onSubmit={(event) => {
          event.preventDefault();
          setParameters({ _action: typed.trim() || null });
          first.reload();
        }}
      >
        <select
          class="select"
          aria-label="Person"
          value={personId}
          onChange={(event) => setParameters({ _person: event.currentTarget.value || null })}
        >
          <option value="">Everybody</option>
          {(people.data ?? []).map((one) => (
            <option key={one.person_id} value={one.person_id}>
              {one.name}
            </option>
          ))}
        </select>
        <input
          class="input"
          type="search"
          aria-label="Action"
          placeholder="Action, such as session.create"
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
        <label class="row">
          since
          <input
            class="input"
            type="date"
            aria-label="Since"
            value={since}
            onChange={(event) => setParameters({ _since: event.currentTarget.value || null })}
          />
        </label>
        {first.data && <span class="soft">{plural(first.data.total, "entry", "entries")}</span>}
        <button type="submit" class="button">
          Search
        </button>
      </form>
      {first.error && <ProblemNote error={first.error} retry={first.reload} />}
      {!first.data && first.slow && <SkeletonLines lines={[100, 100, 100, 100]} />}
      {first.data && rows.length === 0 && <p class="soft">No entry fits.</p>}
      {rows.length > 0 && (
        <TableScroll panel label="Audit log">
          <table class="table rows audit">
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">Who</th>
                <th scope="col">Action</th>
                <th scope="col">On</th>
                <th scope="col" class="number">
                  Status
                </th>
                <th scope="col" class="number">
                  Times
                </th>
                <th scope="col" class="number">
                  Bytes
                </th>
                <th scope="col">From</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <Row key={row.audit_id} row={row} />
              ))}
            </tbody>
          </table>
        </TableScroll>
      )}
      {next && (
        <div>
          <button type="button" class="button" onClick={() => void loadMore()}>
            Older entries
          </button>
        </div>
      )}
    </>
  );
}
