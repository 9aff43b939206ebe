import { useState } from "preact/hooks";
import { emptyCache, retrieveCache } from "../../api/people";
import type { CacheTier } from "../../api/types";
import { formatBytes, formatCount, formatPercent, formatWhen, plural } from "../../lib/format";
import { Menu } from "../../ui/menu";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";
import { TableScroll } from "../../ui/scroll";
import { SkeletonLines } from "../../ui/skeleton";

const TIERS: Record<CacheTier["name"], { name: string; keeps: string; unit: string }> = {
  memory: { name: "Memory", keeps: "Small pictures, ready to send", unit: "picture" },
  pixels: { name: "Decoded pixels", keeps: "Images being windowed and zoomed", unit: "image" },
  valkey: { name: "Valkey", keeps: "Pictures for every process of the server", unit: "key" },
  disk: { name: "Disk", keeps: "Source files from the object store", unit: "file" },
};

const orDash = (n: number | null): string => (n === null ? "–" : formatCount(n));

function Use({ tier }: { tier: CacheTier }) {
  if (tier.bytes === null) return <span class="warning-text">cannot be reached</span>;
  if (tier.budget === null) return <>{formatBytes(tier.bytes)}, no limit</>;
  const share = tier.budget > 0 ? tier.bytes / tier.budget : 0;
  return (
    <span class="use">
      <span class="use-bar" aria-hidden="true" style={{ "--share": `${share * 100}%` }} />
      <span>
        {formatBytes(tier.bytes)} of {formatBytes(tier.budget)}
      </span>
    </span>
  );
}

function Row({ tier }: { tier: CacheTier }) {
  const { name, keeps, unit } = TIERS[tier.name];
  const asked = (tier.hits ?? 0) + (tier.misses ?? 0);
  return (
    <tr>
      <th scope="row">
        {name}
        <br />
        <span class="faint">{keeps}</span>
      </th>
      <td>
        <Use tier={tier} />
      </td>
      <td class="number">{tier.entries === null ? "–" : plural(tier.entries, unit)}</td>
      <td class="number">{orDash(tier.hits)}</td>
      <td class="number">{orDash(tier.misses)}</td>
      <td class="number">{asked > 0 ? formatPercent((tier.hits ?? 0) / asked) : "–"}</td>
    </tr>
  );
}

/** Forgetting costs everybody's next look: it is asked once more. */
function Empty({ onDone }: { onDone: (removed: number) => void }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const empty = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      onDone((await emptyCache()).removed);
    } catch (reason) {
      setError(reason instanceof Error ? reason : new Error(String(reason)));
    }
    setBusy(false);
  };
  return (
    <Menu button={<>Forget all pictures</>} title="Forget all pictures">
      <div class="stack" data-stays>
        <p>
          Every picture is made again when it is next looked at: right at once, slow for a while.
          Source files stay on the disk.
        </p>
        {error && <ProblemNote error={error} />}
        <button
          type="button"
          class="button danger"
          disabled={busy}
          onClick={(event) => {
            const menu = event.currentTarget.closest("details");
            void empty().then(() => menu?.removeAttribute("open"));
          }}
        >
          Forget them
        </button>
      </div>
    </Menu>
  );
}

/** What is kept of pictures and files, nearest first, and how often it was of use. */
export function CachePage() {
  const cache = useResource("cache", retrieveCache);
  const [removed, setRemoved] = useState<number | null>(null);
  return (
    <>
      <div class="row wrap">
        <button type="button" class="button" onClick={cache.reload}>
          Refresh
        </button>
        <Empty
          onDone={(count) => {
            setRemoved(count);
            cache.reload();
          }}
        />
        <span class="soft" role="status">
          {removed !== null && `${plural(removed, "picture")} forgotten`}
        </span>
      </div>
      {cache.error && <ProblemNote error={cache.error} retry={cache.reload} />}
      {!cache.data && cache.slow && <SkeletonLines lines={[100, 100, 100, 100]} />}
      {cache.data && (
        <TableScroll panel label="Caches">
          <table class="table rows cache">
            <thead>
              <tr>
                <th scope="col">Kept in</th>
                <th scope="col">In use</th>
                <th scope="col" class="number">
                  Entries
                </th>
                <th scope="col" class="number">
                  Hits
                </th>
                <th scope="col" class="number">
                  Misses
                </th>
                <th scope="col" class="number">
                  Hit rate
                </th>
              </tr>
            </thead>
            <tbody>
              {cache.data.tiers.map((tier) => (
                <Row key={tier.name} tier={tier} />
              ))}
            </tbody>
          </table>
        </TableScroll>
      )}
      {cache.data && (
        <p class="soft">
          Hits and misses are counted since {formatWhen(cache.data.since)}, when this process of the
          picture service began. A picture is looked for from top to bottom. All of it may be lost
          at any time: pictures are then made again, slower, never wrong.
        </p>
      )}
    </>
  );
}
