import { person, signOut } from "../api/session";
import { formatCount } from "../lib/format";
import { Icon } from "../ui/icon";
import { showKeys } from "../ui/keys";
import { Menu } from "../ui/menu";
import { Jump } from "./jump";
import { JobTray } from "./tray";
import { dataset, datasets, rememberDataset } from "./workspace";

/** `embed-synthetic · 3f9a21c`: what one looks at, and which state of it. */
function DatasetChoice() {
  const current = dataset.value;
  if (!current) return <span class="faint">{datasets.value ? "No dataset yet" : ""}</span>;
  const revision = current.revision;
  return (
    <Menu
      title="Dataset and revision"
      button={
        <>
          <span class="dataset-name">{current.title ?? current.name}</span>
          {revision && <span class="mono faint">{revision.sha256.slice(0, 7)}</span>}
        </>
      }
    >
      <ul class="choices">
        {(datasets.value ?? []).map((one) => (
          <li key={one.name}>
            <button
              type="button"
              aria-pressed={one.name === current.name}
              onClick={() => rememberDataset(one.name)}
            >
              <span>{one.title ?? one.name}</span>
              <span class="faint">
                {one.revision
                  ? `${formatCount(one.revision.counts.images ?? 0)} images`
                  : "nothing ingested yet"}
              </span>
            </button>
          </li>
        ))}
      </ul>
      {revision && (
        <p class="faint small">
          Revision {String(revision.revision_id)} of {revision.created_at.slice(0, 10)}
          <br />
          <span class="mono">{revision.sha256.slice(0, 16)}</span>
        </p>
      )}
      {current.attribution && <p class="faint small">{current.attribution}</p>}
    </Menu>
  );
}

function PersonMenu() {
  const who = person.value;
  if (!who) return null;
  return (
    <Menu label={`Signed in as ${who.name}`} class="end" button={<Icon name="person" />}>
      <p>
        <strong>{who.name}</strong>
        <br />
        <span class="faint">
          {who.email} · {who.role}
        </span>
      </p>
      <ul class="choices">
        <li>
          <a href="/account">Account, agreements and tokens</a>
        </li>
        <li>
          <button type="button" onClick={showKeys}>
            <span>Keys of this page</span>
            <kbd>?</kbd>
          </button>
        </li>
        <li>
          <a href="/api/docs" target="_blank" rel="noreferrer">
            API
          </a>
        </li>
        <li>
          <button type="button" onClick={() => void signOut()}>
            Sign out
          </button>
        </li>
      </ul>
    </Menu>
  );
}

export function TopBar() {
  return (
    <header class="topbar">
      <DatasetChoice />
      <Jump />
      <div class="row end">
        <JobTray />
        <PersonMenu />
      </div>
    </header>
  );
}
