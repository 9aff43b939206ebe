import { useState } from "preact/hooks";
import type { FilterField, Option } from "../../api/types";
import type { ClassDraft } from "../../lib/cohort";
import type { Value } from "../../lib/filter";
import { formatCompact } from "../../lib/format";
import { optionLabel } from "../../lib/options";
import { assessmentRank } from "../../lib/vocabulary";
import { AssessmentMark } from "../../ui/assessment";
import { Icon } from "../../ui/icon";
import { useKeys } from "../../ui/keys";

interface Props {
  readonly field: FilterField | undefined;
  readonly classes: readonly ClassDraft[];
  readonly onChange: (classes: readonly ClassDraft[]) => void;
}

const replaceAt = (list: readonly ClassDraft[], place: number, one: ClassDraft): ClassDraft[] =>
  list.map((other, index) => (index === place ? one : other));

/** A value belongs to one class: taking it here takes it from the others. */
function take(classes: readonly ClassDraft[], place: number, value: Value): ClassDraft[] {
  return classes.map((one, index) => {
    const has = one.values.includes(value);
    if (index !== place)
      return has ? { ...one, values: one.values.filter((other) => other !== value) } : one;
    const values = has ? one.values.filter((other) => other !== value) : [...one.values, value];
    const named = one.name !== "" && one.name !== one.values.join("+");
    return { name: named ? one.name : values.join("+"), values };
  });
}

function ClassRow({
  draft,
  field,
  place,
  options,
  classes,
  onChange,
}: {
  draft: ClassDraft;
  place: number;
  options: readonly Option[];
} & Props) {
  const [over, setOver] = useState(false);
  return (
    <fieldset
      class={`class-row ${over ? "target" : ""}`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        const text = event.dataTransfer?.getData("text/plain");
        const dropped = options.find((option) => (option.value ?? "null") === text);
        if (dropped && !draft.values.includes(dropped.value))
          onChange(take(classes, place, dropped.value));
      }}
    >
      <legend class="visually-hidden">Class {draft.name || place + 1}</legend>
      <span class={`class-number series-${(place % 6) + 1}`}>{place + 1}</span>
      <input
        class="input class-name"
        aria-label={`Name of class ${place + 1}`}
        placeholder="name"
        value={draft.name}
        onChange={(event) =>
          onChange(replaceAt(classes, place, { ...draft, name: event.currentTarget.value.trim() }))
        }
      />
      <div class="class-values">
        {options.map((option) => (
          <button
            key={option.value ?? "null"}
            type="button"
            class="value"
            draggable
            onDragStart={(event) =>
              event.dataTransfer?.setData("text/plain", option.value ?? "null")
            }
            aria-pressed={draft.values.includes(option.value)}
            title={option.label}
            onClick={() => onChange(take(classes, place, option.value))}
          >
            {field?.name === "asses" && <AssessmentMark code={option.value} />}
            <span class="value-label">{optionLabel(field?.name ?? "", option)}</span>
            <span class="faint">{formatCompact(option.count)}</span>
          </button>
        ))}
      </div>
      {classes.length > 2 && (
        <button
          type="button"
          class="button quiet icon"
          aria-label={`Remove class ${draft.name}`}
          onClick={() => onChange(classes.filter((_, index) => index !== place))}
        >
          <Icon name="close" size={14} />
        </button>
      )}
    </fieldset>
  );
}

const MOST_VALUES = 16;

export function ClassEditor({ field, classes, onChange }: Props) {
  // A button's own keys; said here because a value can also be dragged from class to class.
  useKeys([{ keys: ["Enter", " "], does: "On a value: take it into this class, or out of it" }]);
  const known = [...(field?.options ?? [])];
  if (field?.name === "asses") {
    known.sort((a, b) => assessmentRank(a.value ?? "") - assessmentRank(b.value ?? ""));
  }
  const options = known.slice(0, MOST_VALUES);
  return (
    <div class="classes">
      {classes.map((draft, place) => (
        <ClassRow
          key={place}
          draft={draft}
          field={field}
          place={place}
          options={options}
          classes={classes}
          onChange={onChange}
        />
      ))}
      <button
        type="button"
        class="button quiet"
        onClick={() => onChange([...classes, { name: "", values: [] }])}
      >
        <Icon name="plus" size={14} /> Another class
      </button>
    </div>
  );
}
