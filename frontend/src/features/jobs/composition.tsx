import type { Experiment } from "../../api/types";
import {
  type CompositionDraft,
  combinations,
  compositionProblem,
  compositionWords,
  GRID_PREFIX,
  gridProblem,
  type Kind,
} from "../../lib/composition";
import { byImportance, type FormField } from "../../lib/schema";
import { setParameters } from "../../lib/url";
import { Icon } from "../../ui/icon";
import { Prose } from "../../ui/prose";
import { EnsembleForm } from "./ensemble";

interface Props {
  readonly experiment: Experiment;
  readonly draft: CompositionDraft;
  readonly fields: readonly FormField[];
  readonly defaults: ReadonlyMap<string, string>;
}

const replace = { replace: true };

function KindChoice({ experiment, draft }: Pick<Props, "experiment" | "draft">) {
  const declared = experiment.composition;
  const kinds: readonly { kind: Kind; words: string }[] = [
    {
      kind: "declared",
      words: declared ? `As declared: ${compositionWords(declared)}` : "One job",
    },
    ...(declared ? [{ kind: "one" as const, words: "One job" }] : []),
    { kind: "sweep", words: "A sweep: one job for each combination of settings" },
    { kind: "folds", words: "Folds: one job for each part of the patients" },
    { kind: "ensemble", words: "An ensemble: the mean of jobs that have finished" },
  ];
  return (
    <div class="field">
      <label class="label" for="made-of">
        Made of
      </label>
      <select
        id="made-of"
        class="select"
        value={draft.kind}
        onChange={(event) => {
          const kind = event.currentTarget.value;
          setParameters({ _made: kind === "declared" ? null : kind }, replace);
        }}
      >
        {kinds.map((one) => (
          <option key={one.kind} value={one.kind}>
            {one.words}
          </option>
        ))}
      </select>
    </div>
  );
}

function GridRow({ field, text, fallback }: { field: FormField; text: string; fallback: string }) {
  const id = `grid-${field.name}`;
  const problem = gridProblem(field, text);
  const set = (next: string | null): void =>
    // An empty text would leave the address, and the row with it.
    setParameters({ [GRID_PREFIX + field.name]: next === "" ? " " : next }, replace);
  return (
    <div class="field">
      <label class="label" for={id}>
        {field.label}: values to try
      </label>
      <div class="row">
        <input
          id={id}
          class="input grow"
          value={text.trimStart()}
          placeholder={fallback ? `${fallback}, …` : "first, second"}
          aria-invalid={problem !== null}
          onInput={(event) => set(event.currentTarget.value)}
        />
        <button
          type="button"
          class="button quiet icon"
          aria-label={`Do not vary ${field.label}`}
          onClick={() => set(null)}
        >
          <Icon name="close" size={14} />
        </button>
      </div>
      {problem ? (
        <p class="wrong">{problem}</p>
      ) : (
        <p class="help">
          {field.choices.length ? `Of ${field.choices.join(", ")}` : <Prose text={field.help} />}
        </p>
      )}
    </div>
  );
}

function Grid({ draft, fields, defaults }: Props) {
  const free = [...fields].sort(byImportance).filter((field) => !draft.grid.has(field.name));
  return (
    <>
      <div class="settings">
        {[...draft.grid].map(([name, text]) => {
          const field = fields.find((one) => one.name === name);
          if (!field) return null;
          const fallback = defaults.get(name) ?? "";
          return <GridRow key={name} field={field} text={text} fallback={fallback} />;
        })}
        <div class="field">
          <label class="label" for="grid-add">
            Vary another setting
          </label>
          <select
            id="grid-add"
            class="select"
            value=""
            onChange={(event) => {
              const name = event.currentTarget.value;
              const first = defaults.get(name) || " ";
              setParameters({ [GRID_PREFIX + name]: first }, replace);
              event.currentTarget.value = "";
              requestAnimationFrame(() => document.getElementById(`grid-${name}`)?.focus());
            }}
          >
            <option value="">Choose</option>
            {free.map((field) => (
              <option key={field.name} value={field.name}>
                {field.label}
              </option>
            ))}
          </select>
        </div>
      </div>
      <p class="faint small">
        Every combination is a job of its own; the one with the least loss on validation is chosen.
        The test split has no say.
      </p>
    </>
  );
}

function FoldSettings({ draft }: { draft: CompositionDraft }) {
  return (
    <div class="settings">
      <div class="field">
        <label class="label" for="fold-count">
          Folds
        </label>
        <input
          id="fold-count"
          class="input"
          inputMode="numeric"
          value={draft.folds}
          onInput={(event) =>
            setParameters({ _folds: event.currentTarget.value.trim() || " " }, replace)
          }
        />
      </div>
      <div class="field">
        <label class="label" for="fold-method">
          Method
        </label>
        <select
          id="fold-method"
          class="select"
          value={draft.method}
          onChange={(event) => setParameters({ _method: event.currentTarget.value }, replace)}
        >
          <option value="k-fold">k-fold: every patient is tested once</option>
          <option value="k-holdout">k-holdout: the test split stays</option>
        </select>
      </div>
    </div>
  );
}

/** One job, or a job of several: a grid of settings, folds of the patients, jobs that are there. */
export function CompositionForm(props: Props) {
  const { draft, fields } = props;
  const problem = compositionProblem(draft, fields);
  return (
    <fieldset class="stack composition">
      <legend class="visually-hidden">What the job is made of</legend>
      <KindChoice experiment={props.experiment} draft={draft} />
      {draft.kind === "sweep" && <Grid {...props} />}
      {draft.kind === "folds" && <FoldSettings draft={draft} />}
      {draft.kind === "ensemble" && <EnsembleForm draft={draft} />}
      {problem && (
        <p class="wrong" role="status">
          {problem}
        </p>
      )}
      {draft.kind === "sweep" && !problem && (
        <p class="soft" role="status">
          {combinations(draft)} jobs
        </p>
      )}
    </fieldset>
  );
}
