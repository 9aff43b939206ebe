import { byImportance, type FormField, fieldProblem, isPrincipal } from "../../lib/schema";
import { Prose } from "../../ui/prose";

interface Props {
  readonly fields: readonly FormField[];
  /** Texts of what was changed; what is not here has its default. */
  readonly texts: ReadonlyMap<string, string>;
  readonly defaults: ReadonlyMap<string, string>;
  readonly onChange: (name: string, text: string) => void;
}

function Control({
  field,
  text,
  fallback,
  wrong,
  onChange,
}: {
  field: FormField;
  text: string;
  fallback: string;
  wrong: boolean;
  onChange: (text: string) => void;
}) {
  const id = `setting-${field.name}`;
  if (field.kind === "choice" || field.kind === "flag") {
    const choices = field.kind === "flag" ? ["true", "false"] : field.choices;
    return (
      <select
        id={id}
        class="select"
        value={text || fallback}
        onChange={(event) => onChange(event.currentTarget.value)}
      >
        {field.nullable && <option value="">none</option>}
        {choices.map((choice) => (
          <option key={choice} value={choice}>
            {field.kind === "flag" ? (choice === "true" ? "yes" : "no") : choice}
          </option>
        ))}
      </select>
    );
  }
  return (
    <input
      id={id}
      class="input"
      inputMode={
        field.kind === "integer" ? "numeric" : field.kind === "number" ? "decimal" : "text"
      }
      value={text}
      placeholder={fallback || "none"}
      aria-invalid={wrong}
      onInput={(event) => onChange(event.currentTarget.value.trim())}
    />
  );
}

function SettingRow({
  field,
  texts,
  defaults,
  onChange,
}: { field: FormField } & Omit<Props, "fields">) {
  const text = texts.get(field.name) ?? "";
  const problem = fieldProblem(field, text);
  return (
    <div class="field">
      <label class="label" for={`setting-${field.name}`}>
        {field.label}
      </label>
      <Control
        field={field}
        text={text}
        fallback={defaults.get(field.name) ?? field.fallback}
        wrong={problem !== null}
        onChange={(next) => onChange(field.name, next)}
      />
      {problem ? (
        <p class="wrong" role="alert">
          {problem}
        </p>
      ) : (
        <p class="help">
          <Prose text={field.help} />
        </p>
      )}
    </div>
  );
}

/** A form made from the experiment's JSON Schema: what matters first, the rest folded. */
export function SettingsForm({ fields, ...rest }: Props) {
  const sorted = [...fields].sort(byImportance);
  const others = sorted.filter((field) => !isPrincipal(field.name));
  const changed = others.filter((field) => rest.texts.has(field.name)).length;
  return (
    <>
      <div class="settings">
        {sorted
          .filter((field) => isPrincipal(field.name))
          .map((field) => (
            <SettingRow key={field.name} field={field} {...rest} />
          ))}
      </div>
      {others.length > 0 && (
        <details class="fold">
          <summary>
            {others.length} more settings{changed > 0 && `, ${changed} changed`}
          </summary>
          <div class="settings">
            {others.map((field) => (
              <SettingRow key={field.name} field={field} {...rest} />
            ))}
          </div>
        </details>
      )}
    </>
  );
}
