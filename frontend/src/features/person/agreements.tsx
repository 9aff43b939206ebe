import { useState } from "preact/hooks";
import { recordAgreement } from "../../api/people";
import type { Agreement, Dataset } from "../../api/types";
import { formatWhen } from "../../lib/format";
import { datasets } from "../../shell/workspace";
import { ProblemNote } from "../../ui/problem";

function standing(agreement: Agreement | undefined): string {
  if (!agreement) return "not recorded";
  return agreement.confirmed_at
    ? `confirmed ${formatWhen(agreement.confirmed_at)}`
    : "recorded; an administrator has to confirm it";
}

function RecordForm({ dataset, onRecorded }: { dataset: string; onRecorded: () => void }) {
  const [text, setText] = useState("");
  const [error, setError] = useState<Error | null>(null);
  const record = (event: Event): void => {
    event.preventDefault();
    setError(null);
    recordAgreement(dataset, text.trim()).then(onRecorded, (reason: unknown) =>
      setError(reason instanceof Error ? reason : new Error(String(reason))),
    );
  };
  return (
    <form class="stack agreement-form" onSubmit={record}>
      <label class="field">
        <span class="label">How you are registered for it</span>
        <input
          class="input"
          value={text}
          required
          maxLength={200}
          placeholder="name, date and address of the registration"
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <span class="help">
          By recording this you state that you registered yourself and accepted the licence:
          research only, no distribution of any part, no public release of trained weights.
        </span>
      </label>
      {error && <ProblemNote error={error} />}
      <div>
        <button type="submit" class="button primary">
          Record my agreement
        </button>
      </div>
    </form>
  );
}

function Row({
  dataset,
  agreement,
  onRecorded,
}: {
  dataset: Pick<Dataset, "name" | "title" | "restricted">;
  agreement: Agreement | undefined;
  onRecorded: () => void;
}) {
  return (
    <li class="agreement">
      <p>
        <strong>{dataset.title}</strong>{" "}
        <span class="soft">{dataset.restricted ? standing(agreement) : "needs none"}</span>
      </p>
      {agreement && <p class="faint">{agreement.registration}</p>}
      {dataset.restricted && !agreement && (
        <RecordForm dataset={dataset.name} onRecorded={onRecorded} />
      )}
    </li>
  );
}

/** EMBED itself may not be ingested yet; one may record the agreement before it is. */
const EMBED = { name: "embed", title: "EMBED Open Data", restricted: true };

export function Agreements({
  own,
  onRecorded,
}: {
  own: readonly Agreement[];
  onRecorded: () => void;
}) {
  const all = datasets.value ?? [];
  const shown = all.some((one) => one.name === EMBED.name) ? all : [EMBED, ...all];
  return (
    <section class="stack" aria-label="Agreements">
      <h2>Agreements</h2>
      <ul class="stack">
        {shown.map((dataset) => (
          <Row
            key={dataset.name}
            dataset={dataset}
            agreement={own.find((one) => one.dataset === dataset.name)}
            onRecorded={onRecorded}
          />
        ))}
      </ul>
    </section>
  );
}
