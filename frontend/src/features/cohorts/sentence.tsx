import type { FilterField, Policy } from "../../api/types";
import type { CohortDraft } from "../../lib/cohort";
import { filterPairs } from "../../lib/filter";
import { filterWords } from "../../lib/pieces";
import { withQuery } from "../../lib/url";

const POLICY_WORDS: Readonly<Record<Policy, string>> = {
  worst: "the worst finding decides",
  exclude: "images whose findings disagree are left out",
  finding: "only images whose one ROI is of their one finding",
};

interface Props {
  readonly draft: CohortDraft;
  readonly fields: readonly FilterField[];
  readonly dataset: string;
  readonly onChange: (changes: Partial<CohortDraft>) => void;
}

function From({ draft, fields, dataset }: Omit<Props, "onChange">) {
  const words = filterWords(draft.filter, fields);
  const edit = withQuery("/explore", [...filterPairs(draft.filter), ["dataset", dataset]]);
  return (
    <>
      From <strong>{words.length ? words.join(" and ") : "all images"}</strong> of {dataset} (
      <a href={edit}>change</a>)
    </>
  );
}

/** What teams label by; every other category is there too, below. */
const USUAL = [
  "asses",
  "pathology",
  "path_severity",
  "finding_kind",
  "tissueden",
  "exam_asses",
  "exam_path_severity",
  "side",
];

const optionsOf = (fields: readonly FilterField[]) =>
  fields.map((field) => (
    <option key={field.name} value={field.name}>
      {field.label}
    </option>
  ));

function LabelChoice({ draft, fields, onChange }: Omit<Props, "dataset">) {
  const usable = fields.filter((field) => field.kind === "category" || field.kind === "flag");
  const usual = USUAL.flatMap((name) => usable.find((field) => field.name === name) ?? []);
  const others = usable.filter((field) => !usual.includes(field));
  const nothing = { name: "", values: [] };
  return (
    <select
      class="select inline"
      aria-label="Label field"
      value={draft.field}
      onChange={(event) =>
        onChange({ field: event.currentTarget.value, classes: [nothing, nothing] })
      }
    >
      {!usable.some((field) => field.name === draft.field) && (
        <option value={draft.field}>{draft.field}</option>
      )}
      <optgroup label="Usual labels">{optionsOf(usual)}</optgroup>
      <optgroup label="Other categories">{optionsOf(others)}</optgroup>
    </select>
  );
}

function PolicyChoice({ draft, onChange }: Pick<Props, "draft" | "onChange">) {
  return (
    <select
      class="select inline"
      aria-label="Where findings disagree"
      value={draft.policy}
      onChange={(event) => onChange({ policy: event.currentTarget.value as Policy })}
    >
      {Object.entries(POLICY_WORDS).map(([policy, words]) => (
        <option key={policy} value={policy}>
          {words}
        </option>
      ))}
    </select>
  );
}

function Count({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string;
  onChange: (text: string) => void;
}) {
  return (
    <input
      class="input inline"
      inputMode="numeric"
      aria-label={label}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value.trim())}
    />
  );
}

const toWhole = (text: string, otherwise: number): number => {
  const n = Number.parseInt(text, 10);
  return Number.isFinite(n) && n >= 0 ? n : otherwise;
};

/** The cohort as one sentence that is edited in place. */
export function Sentence({ draft, fields, dataset, onChange }: Props) {
  const [train, validation, test] = draft.split;
  return (
    <div class="sentence">
      <p>
        <From draft={draft} fields={fields} dataset={dataset} />
        {draft.recipe ? (
          ", chosen and labelled by the curation below."
        ) : (
          <>
            , label by <LabelChoice draft={draft} fields={fields} onChange={onChange} />; where
            findings disagree, <PolicyChoice draft={draft} onChange={onChange} />.
          </>
        )}
      </p>
      <p>
        {draft.match ? (
          "Take every case with its controls. "
        ) : (
          <>
            Take at most{" "}
            <Count
              label="Images of each class at most; empty takes all"
              value={draft.cap === null ? "all" : String(draft.cap)}
              onChange={(text) =>
                onChange({ cap: text === "" || text === "all" ? null : toWhole(text, 100) })
              }
            />{" "}
            images of each class.{" "}
          </>
        )}
        Split{" "}
        <Count
          label="Train, validation and test parts"
          value={`${train}/${validation}/${test}`}
          onChange={(text) => {
            const [a = 70, b = 10, c = 20] = text.split(/[^\d.]+/).map(Number);
            onChange({ split: [a, b, c] });
          }}
        />{" "}
        into train, validation and test by{" "}
        <select
          class="select inline"
          aria-label="Unit of the split"
          value={draft.by}
          onChange={(event) =>
            onChange({ by: event.currentTarget.value === "image" ? "image" : "patient" })
          }
        >
          <option value="patient">patient</option>
          <option value="image">image (leaks patients)</option>
        </select>
        , seed{" "}
        <Count
          label="Seed"
          value={String(draft.seed)}
          onChange={(text) => onChange({ seed: toWhole(text, draft.seed) })}
        />
        .
      </p>
    </div>
  );
}
