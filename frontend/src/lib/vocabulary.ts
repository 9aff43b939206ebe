/** BI-RADS words and codes as EMBED's legend writes them. Source: AWS_Open_Data_Clinical_Legend.csv. */

export interface Assessment {
  readonly code: string;
  readonly category: string;
  readonly words: string;
}

/** From least to most suspicious, as the worst finding is decided; X stands outside the order. */
export const ASSESSMENTS: readonly Assessment[] = [
  { code: "N", category: "BI-RADS 1", words: "negative" },
  { code: "B", category: "BI-RADS 2", words: "benign" },
  { code: "A", category: "BI-RADS 0", words: "additional evaluation" },
  { code: "P", category: "BI-RADS 3", words: "probably benign" },
  { code: "S", category: "BI-RADS 4", words: "suspicious" },
  { code: "M", category: "BI-RADS 5", words: "highly suggestive of malignancy" },
  { code: "K", category: "BI-RADS 6", words: "known biopsy-proven malignancy" },
  { code: "X", category: "No BI-RADS", words: "no assessment given" },
];

const BY_CODE = new Map(ASSESSMENTS.map((entry) => [entry.code, entry]));

export function assessmentOf(code: string | null | undefined): Assessment | undefined {
  return code ? BY_CODE.get(code) : undefined;
}

/** `BI-RADS 4, suspicious`. */
export function assessmentWords(code: string | null | undefined): string {
  const known = assessmentOf(code);
  return known ? `${known.category}, ${known.words}` : (code ?? "not assessed");
}

/** Place in the order of suspicion; unknown codes come last. */
export function assessmentRank(code: string): number {
  const place = ASSESSMENTS.findIndex((entry) => entry.code === code);
  return place < 0 ? ASSESSMENTS.length : place;
}

const DENSITY = [
  "",
  "A, almost entirely fat",
  "B, scattered fibroglandular",
  "C, heterogeneously dense",
  "D, extremely dense",
  "male",
];

/** `density C, heterogeneously dense`; tissueden is 1.0 to 5.0 in the table. */
export function densityWords(tissueden: string | number | null | undefined): string | null {
  if (tissueden === null || tissueden === undefined || tissueden === "") return null;
  return DENSITY[Math.round(Number(tissueden))] ?? String(tissueden);
}

export function sideWords(side: string | null | undefined): string {
  if (side === "L") return "left";
  if (side === "R") return "right";
  return side === "B" ? "both sides" : "side not recorded";
}

/** `R MLO`; what stands in the corner of a film. */
export function viewName(side: string | null | undefined, view: string | null | undefined): string {
  return [side, view].filter(Boolean).join(" ") || "view unknown";
}
