/** A finding as a sentence, from the codes' meanings that the catalog sends along. Null fields never appear. */
import type { Cells, Finding } from "../api/types";
import { capitalise, formatDate } from "./format";

export interface Line {
  readonly name: string;
  readonly text: string;
}

/** What the sentence already says is not repeated in the list under it. */
const IN_WORDS: readonly { kind: string; columns: readonly string[] }[] = [
  { kind: "mass", columns: ["massshape", "massmargin", "massdens"] },
  { kind: "calcifications", columns: ["calcfind", "calcdistri", "calcnumber"] },
  { kind: "other", columns: ["otherfind"] },
  { kind: "implant", columns: ["implanfind"] },
];

/** Shapes that BI-RADS calls a kind of finding of their own (EMBED's notebooks derive them alike). */
const ASYMMETRIES = new Set(["T", "B", "S", "F", "V"]);
const DISTORTIONS = new Set(["Q", "A"]);

const NAMES: Readonly<Record<string, string>> = {
  consistent: "Consistent with",
  size: "Size, mm",
  location: "Location",
  depth: "Depth",
  distance: "Distance to nipple, cm",
  stable: "Stable",
  new: "New",
  changed: "Change",
  recc: "Recommendation",
  numfind: "Number",
  type: "Procedure",
  technique: "Technique",
  surgery: "Surgery",
  procdate_anon: "Procedure on",
  pdate_anon: "Pathology report",
  concord: "Concordance",
  hgrade: "Grade",
  stage: "Stage",
  est: "Oestrogen receptor",
  her2: "HER2",
  fish: "FISH",
  ki67: "Ki-67",
  path_severity: "Pathology",
  invsize: "Invasive size, mm",
  dcissize: "DCIS size, mm",
  bside: "Side of procedure",
};

const SAID_ELSEWHERE = new Set([
  "asses",
  "side",
  "numfind",
  "massshape",
  "massmargin",
  "massdens",
  "calcfind",
  "calcdistri",
  "calcnumber",
  "otherfind",
  "implanfind",
]);

const ZERO_MEANS_ABSENT = new Set([
  "size",
  "distance",
  "calcnumber",
  "stable",
  "new",
  "invsize",
  "dcissize",
]);

export const PATHOLOGY_WORDS: readonly string[] = [
  "invasive cancer",
  "non-invasive cancer",
  "high-risk lesion",
  "borderline lesion",
  "benign",
  "other cancer",
];

function present(values: Cells, column: string): boolean {
  const value = values[column];
  if (value === null || value === undefined || value === "") return false;
  return !(ZERO_MEANS_ABSENT.has(column) && Number(value) <= 0);
}

function wordsOf(finding: Finding, column: string): string {
  const label = finding.labels[column];
  const value = finding.values[column];
  if (column.endsWith("date_anon")) return formatDate(String(value));
  if (column === "path_severity") return PATHOLOGY_WORDS[Number(value)] ?? String(value);
  if (column === "stable" || column === "new") return "yes";
  return label ?? String(value);
}

function kindName(kind: string, finding: Finding): string {
  const shape = String(finding.values.massshape ?? "");
  if (kind !== "mass") return { other: "", implant: "Implant: " }[kind] ?? "Calcifications: ";
  if (ASYMMETRIES.has(shape) || DISTORTIONS.has(shape)) return "";
  return "Mass: ";
}

/** `Mass: irregular, spiculated, high density`. One sentence per kind that is described. */
export function findingSentences(finding: Finding): string[] {
  return IN_WORDS.flatMap(({ kind, columns }) => {
    const words = columns
      .filter((column) => present(finding.values, column))
      .map((column) =>
        column === "calcnumber" ? `${finding.values[column]} in number` : wordsOf(finding, column),
      );
    return words.length ? [capitalise(kindName(kind, finding) + words.join(", "))] : [];
  });
}

const SPECIMENS = Array.from({ length: 10 }, (_, index) => `path${index + 1}`);

/** What the specimens showed: up to ten codes a procedure, in words. */
function specimenWords(finding: Finding): Line[] {
  const seen = SPECIMENS.filter((column) => present(finding.values, column));
  if (seen.length === 0) return [];
  return [{ name: "Specimen", text: seen.map((column) => wordsOf(finding, column)).join("; ") }];
}

/** The named rest: location, size, recommendation, pathology. Columns without a plain name stay in the fold. */
export function findingLines(finding: Finding): Line[] {
  const named = Object.entries(NAMES)
    .filter(([column]) => !SAID_ELSEWHERE.has(column) && present(finding.values, column))
    .map(([column, name]) => ({ name, text: wordsOf(finding, column) }));
  return [...named, ...specimenWords(finding)];
}
