import { expect, it } from "vitest";
import type { Job } from "../src/api/types";
import { inflationOf, specDifferences } from "../src/lib/comparing";

const job = (id: string, protocol: "patient" | "published", auc: number | null): Job =>
  ({
    job_id: id,
    experiment: "embed-2b6k",
    spec: { protocol, settings: { epochs: 3 } },
    metrics: auc === null ? null : { test: { roc_auc: { value: auc, low: 0, high: 1 } } },
  }) as unknown as Job;

it("what a split by image adds is told beside the first job split by patient", () => {
  const jobs = [
    job("waits", "patient", null),
    job("high", "published", 0.9),
    job("true", "patient", 0.75),
    job("other", "patient", 0.6),
  ];
  const found = inflationOf(jobs);
  expect(found?.reference.job_id).toBe("true");
  expect(found?.rows.map((row) => row.job.job_id)).toEqual(["high"]);
  expect(found?.rows[0]?.above.get("roc_auc")).toBeCloseTo(0.15);
  expect(specDifferences(jobs)).toEqual([
    {
      name: "split",
      values: ["by patient", "by image, as published", "by patient", "by patient"],
    },
  ]);
});

it("there is no inflation among jobs of one protocol", () => {
  expect(inflationOf([job("a", "patient", 0.7), job("b", "patient", 0.8)])).toBeNull();
  expect(inflationOf([job("a", "published", 0.7)])).toBeNull();
});
