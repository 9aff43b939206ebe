import { describe, expect, it } from "vitest";
import { findingLines, findingSentences } from "../src/lib/finding";
import {
  daysBetween,
  formatBytes,
  formatDuration,
  formatFigure,
  formatTotals,
  formatWhen,
} from "../src/lib/format";
import { assessmentWords, densityWords, viewName } from "../src/lib/vocabulary";

describe("formatting", () => {
  it("writes the headline", () => {
    expect(formatTotals({ images: 12408, exams: 3112, patients: 2894 })).toBe(
      "12,408 images in 3,112 exams of 2,894 patients",
    );
    expect(formatTotals({ images: 1, exams: 1, patients: 1 })).toBe(
      "1 image in 1 exam of 1 patient",
    );
  });

  it("writes durations, bytes and figures", () => {
    expect([0, 42, 200, 3900].map(formatDuration)).toEqual([
      "0 s",
      "42 s",
      "3 min 20 s",
      "1 h 05 min",
    ]);
    expect([0, 999, 1500, 340e6].map(formatBytes)).toEqual(["0 B", "999 B", "1.5 KB", "340 MB"]);
    expect([0.93449, null, Number.NaN].map((value) => formatFigure(value))).toEqual([
      "0.934",
      "–",
      "–",
    ]);
  });

  it("says when, in the words of the day", () => {
    const now = new Date(2026, 2, 4, 15, 0, 0);
    const at = (...parts: [number, number, number, number, number]) =>
      new Date(...parts).toISOString();
    expect(formatWhen(at(2026, 2, 4, 14, 58), now)).toBe("2 min ago");
    expect(formatWhen(at(2026, 2, 4, 9, 5), now)).toBe("today 09:05");
    expect(formatWhen(at(2026, 2, 3, 23, 59), now)).toBe("yesterday 23:59");
    expect(formatWhen(at(2025, 11, 31, 8, 0), now)).toBe("2025-12-31 08:00");
  });

  it("counts days over the odd midnight of the tables", () => {
    expect(daysBetween("2015-03-01", "2015-03-15 00:00:00")).toBe(14);
  });
});

describe("words", () => {
  it("spells codes out", () => {
    expect(assessmentWords("S")).toBe("BI-RADS 4, suspicious");
    expect(densityWords("3.0")).toBe("C, heterogeneously dense");
    expect(densityWords(null)).toBeNull();
    expect(viewName("R", "MLO")).toBe("R MLO");
    expect(viewName(null, null)).toBe("view unknown");
  });

  it("tells a finding without its null fields", () => {
    const finding = {
      values: {
        asses: "S",
        massshape: "X",
        massmargin: "S",
        size: 0,
        location: "W",
        path_severity: 0,
        path1: "DHU",
        path2: "ID",
        calcfind: null,
      },
      labels: {
        massshape: "irregular",
        massmargin: "spiculated",
        location: "upper outer",
        path1: "usual ductal hyperplasia",
        path2: "invasive ductal carcinoma",
      },
      kinds: ["mass"],
    };
    expect(findingSentences(finding)).toEqual(["Mass: irregular, spiculated"]);
    expect(findingLines(finding)).toEqual([
      { name: "Location", text: "upper outer" },
      { name: "Pathology", text: "invasive cancer" },
      { name: "Specimen", text: "usual ductal hyperplasia; invasive ductal carcinoma" },
    ]);
  });

  it("does not call an asymmetry a mass", () => {
    const finding = {
      values: { massshape: "F" },
      labels: { massshape: "focal asymmetry" },
      kinds: [],
    };
    expect(findingSentences(finding)).toEqual(["Focal asymmetry"]);
  });
});
