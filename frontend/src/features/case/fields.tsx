import { useState } from "preact/hooks";
import { request } from "../../api/client";
import type { Cells, ImageRecord } from "../../api/types";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";

type Pair = readonly [string, string];

const pairsOf = (cells: Cells): Pair[] =>
  Object.entries(cells)
    .filter(([, value]) => value !== null && value !== "")
    .map(([name, value]) => [name, String(value)]);

/** DICOM JSON (PS3.18 F) or a plain object: a name and a text for each element. */
export function headerPairs(json: unknown): Pair[] {
  const list = Array.isArray(json) ? json : null;
  if (list) return list.flatMap((element) => elementPair("", element));
  if (typeof json !== "object" || json === null) return [];
  const inner = "elements" in json ? json.elements : json;
  if (Array.isArray(inner)) return headerPairs(inner);
  return Object.entries(inner as Record<string, unknown>).flatMap(([tag, element]) =>
    elementPair(tag, element),
  );
}

function elementPair(tag: string, element: unknown): Pair[] {
  if (typeof element !== "object" || element === null) return [[tag, String(element)]];
  const { keyword, name, value, Value } = element as Record<string, unknown>;
  const title = String(keyword ?? name ?? (element as Record<string, unknown>).tag ?? tag);
  return [[title, plain(Value ?? value)]];
}

function plain(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return value.map(plain).join(" \\ ");
  if (typeof value === "object") {
    return "Alphabetic" in value ? String(value.Alphabetic) : JSON.stringify(value);
  }
  return String(value);
}

function FieldTable({ pairs, label }: { pairs: readonly Pair[]; label: string }) {
  const [text, setText] = useState("");
  const needle = text.trim().toLowerCase();
  const found = pairs.filter((pair) => pair.some((part) => part.toLowerCase().includes(needle)));
  return (
    <div class="fields">
      <input
        class="input"
        type="search"
        placeholder={`Search ${pairs.length} fields`}
        aria-label={`Search ${label}`}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <dl>
        {found.map(([name, value]) => (
          <div key={name}>
            <dt title={name}>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {found.length === 0 && <p class="faint">No field matches.</p>}
    </div>
  );
}

function DicomHeader({ imageId }: { imageId: number }) {
  const header = useResource(`header ${imageId}`, (aborted) =>
    request<unknown>(`/api/v1/images/${imageId}/header`, { signal: aborted }),
  );
  if (header.error) return <ProblemNote error={header.error} retry={header.reload} />;
  if (!header.data) return null;
  return <FieldTable pairs={headerPairs(header.data)} label="DICOM elements" />;
}

/** Every column of the tables and every element of the file, behind folds. */
export function Fields({ record }: { record: ImageRecord }) {
  const [dicom, setDicom] = useState(false);
  const table = [...pairsOf(record.image), ...pairsOf(record.exam), ...pairsOf(record.patient)];
  const findings = record.findings.flatMap((finding, index) =>
    pairsOf(finding.values).map(([name, value]): Pair => [`${name} (finding ${index + 1})`, value]),
  );
  return (
    <>
      <details class="fold">
        <summary>Table fields</summary>
        <FieldTable pairs={[...table, ...findings]} label="table fields" />
      </details>
      <details class="fold" onToggle={(event) => setDicom(event.currentTarget.open)}>
        <summary>DICOM header</summary>
        {dicom && <DicomHeader imageId={record.image_id} />}
      </details>
    </>
  );
}
