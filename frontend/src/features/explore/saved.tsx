import { useState } from "preact/hooks";
import { changeQuery, deleteQuery, listQueries, saveQuery } from "../../api/catalog";
import type { FilterField, SavedQuery } from "../../api/types";
import { filterPairs, fromJson } from "../../lib/filter";
import { filterWords } from "../../lib/pieces";
import { withQuery } from "../../lib/url";
import { Icon, type IconName } from "../../ui/icon";
import { Menu } from "../../ui/menu";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";
import { filter, sort } from "./state";

const asError = (reason: unknown): Error =>
  reason instanceof Error ? reason : new Error(String(reason));

function addressOf(query: SavedQuery): string {
  const pairs: [string, string][] = [
    ...filterPairs(fromJson(query.filter)),
    ["dataset", query.dataset],
  ];
  if (query.sort) pairs.push(["sort", query.sort]);
  return withQuery("/explore", pairs);
}

function Act(props: { icon: IconName; label: string; pressed?: boolean; onClick: () => void }) {
  return (
    <button
      type="button"
      class="button quiet icon small"
      aria-label={props.label}
      title={props.label}
      {...(props.pressed === undefined ? {} : { "aria-pressed": props.pressed })}
      onClick={props.onClick}
    >
      <Icon name={props.icon} size={14} />
    </button>
  );
}

interface RowProps {
  readonly query: SavedQuery;
  readonly fields: readonly FilterField[];
  readonly change: (work: () => Promise<unknown>) => void;
}

function Row({ query, fields, change }: RowProps) {
  const [name, setName] = useState<string | null>(null);
  const rename = (event: Event): void => {
    event.preventDefault();
    const wanted = name?.trim();
    setName(null);
    if (wanted && wanted !== query.name)
      change(() => changeQuery(query.query_id, { name: wanted }));
  };
  if (name !== null) {
    return (
      <li>
        <form class="row" onSubmit={rename}>
          <input
            class="input"
            aria-label={`New name of ${query.name}`}
            value={name}
            maxLength={200}
            autofocus
            onInput={(event) => setName(event.currentTarget.value)}
          />
          <button type="submit" class="button">
            Rename
          </button>
        </form>
      </li>
    );
  }
  const words = filterWords(fromJson(query.filter), fields).join(" and ") || "all images";
  return (
    <li class="saved-row">
      <a href={addressOf(query)} title={words}>
        <span>{query.name}</span>
        <span class="faint">{query.mine ? words : `${words} · shared by ${query.owner_name}`}</span>
      </a>
      {query.mine && (
        <span class="row saved-acts" data-stays>
          <Act
            icon="share"
            label={query.shared ? `Stop sharing ${query.name}` : `Share ${query.name}`}
            pressed={query.shared}
            onClick={() => change(() => changeQuery(query.query_id, { shared: !query.shared }))}
          />
          <Act icon="edit" label={`Rename ${query.name}`} onClick={() => setName(query.name)} />
          <Act
            icon="trash"
            label={`Delete ${query.name}`}
            onClick={() => change(() => deleteQuery(query.query_id))}
          />
        </span>
      )}
    </li>
  );
}

/** Searches kept under a name: one's own, and what colleagues share. */
export function SavedQueries({
  dataset,
  fields,
}: {
  dataset: string;
  fields: readonly FilterField[];
}) {
  const saved = useResource("queries", listQueries);
  const [error, setError] = useState<Error | null>(null);
  const [name, setName] = useState("");
  const [shared, setShared] = useState(false);
  const change = (work: () => Promise<unknown>): void => {
    setError(null);
    work().then(saved.reload, (reason: unknown) => setError(asError(reason)));
  };
  const words = filterWords(filter.value, fields).join(" and ");
  const save = (event: Event): void => {
    event.preventDefault();
    const called = name.trim() || words || "All images";
    change(() =>
      saveQuery(
        called.slice(0, 200),
        { dataset, filter: filter.value, sort: sort.value },
        shared,
      ).then(() => setName("")),
    );
  };
  const problem = error ?? saved.error;
  return (
    <Menu
      class="end saved"
      title="Saved queries"
      button={
        <>
          <Icon name="save" size={14} /> Saved
        </>
      }
    >
      <form class="stack" onSubmit={save}>
        <label class="field">
          <span class="label">Save this search as</span>
          <input
            class="input"
            value={name}
            placeholder={words || "All images"}
            maxLength={200}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
        <div class="row">
          <label class="check grow">
            <input type="checkbox" checked={shared} onChange={() => setShared(!shared)} /> share
            with colleagues
          </label>
          <button type="submit" class="button primary">
            Save
          </button>
        </div>
      </form>
      {problem && <ProblemNote error={problem} retry={saved.reload} />}
      {saved.data?.length === 0 && (
        <p class="faint">Nothing saved yet. A saved query keeps its filters and its order.</p>
      )}
      {saved.data && saved.data.length > 0 && (
        <ul class="saved-list" aria-label="Saved queries">
          {saved.data.map((query) => (
            <Row key={query.query_id} query={query} fields={fields} change={change} />
          ))}
        </ul>
      )}
    </Menu>
  );
}
