import { describe, expect, it } from "vitest";
import { paintHeat, parseHeat, preparationOf, squareOn } from "../src/lib/heat";
import { trainedOtherwise } from "../src/lib/trained";

function npy(header: string, values: readonly number[]): ArrayBuffer {
  const head = new TextEncoder().encode(`${header.padEnd(117, " ")}\n`);
  const bytes = new Uint8Array(10 + head.length + values.length * 4);
  bytes.set([0x93, 78, 85, 77, 80, 89, 1, 0, head.length, 0]);
  bytes.set(head, 10);
  bytes.set(new Uint8Array(new Float32Array(values).buffer), 10 + head.length);
  return bytes.buffer;
}

const HEADER = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }";

describe("heat maps", () => {
  it("are read as NumPy wrote them, or not at all", () => {
    const map = parseHeat(npy(HEADER, [0, 0.5, 1]));
    expect(map).toMatchObject({ rows: 1, columns: 3 });
    expect([...(map?.values ?? [])]).toEqual([0, 0.5, 1]);
    expect(parseHeat(npy(HEADER, [0, 1]))).toBeNull();
    expect(parseHeat(npy(HEADER.replace("<f4", "<f8"), [0, 0.5, 1]))).toBeNull();
    expect(parseHeat(new ArrayBuffer(3))).toBeNull();
  });

  it("cover nothing where there is nothing, and all where it is hottest", () => {
    const painted = paintHeat({ rows: 1, columns: 3, values: new Float32Array([0, 0.25, 1]) });
    expect(painted[3]).toBe(0);
    expect([...painted.slice(8)]).toEqual([252, 255, 164, 255]);
    expect(painted[7]).toBeGreaterThan(0);
  });

  it("of nothing at all are clear", () => {
    const painted = paintHeat({ rows: 1, columns: 2, values: new Float32Array(2) });
    expect([...painted].filter((_, place) => place % 4 === 3)).toEqual([0, 0]);
  });

  it("lie on the square that the network was given", () => {
    // The middle 64 of 73 of the shorter edge.
    const crop = squareOn(200, 100, { stored: 73, centre: 64, fit: "crop" });
    expect(crop.width).toBeCloseTo(64 / 73);
    expect(crop.left).toBeCloseTo((1 - 64 / 73) / 2);
    expect(crop.top + crop.height / 2).toBeCloseTo(0.5);
    // All of it at the left, black beside.
    const pad = squareOn(200, 100, { stored: 64, centre: 64, fit: "pad" });
    expect(pad).toEqual({ left: 0, top: 0, width: 2, height: 1 });
  });

  it("know the preparation of their model", () => {
    const stored = { size: 73, fit: "crop", bits: 8 };
    expect(preparationOf({ stored, centre: 64 })).toEqual({ stored: 73, centre: 64, fit: "crop" });
    expect(preparationOf({ centre: 64 })).toBeNull();
  });
});

describe("a model asked about an image", () => {
  const record = { dataset: "a", image: { ViewPosition: "CC", FinalImageType: "2D" } };
  const model = (dataset: string) =>
    ({ lineage: { dataset } }) as Parameters<typeof trainedOtherwise>[1];
  const cohort = (filter: Record<string, unknown>) =>
    ({ definition: { filter } }) as Parameters<typeof trainedOtherwise>[2];

  it("was trained alike", () => {
    expect(trainedOtherwise(record, model("a"), cohort({ ViewPosition: ["CC", "MLO"] }))).toEqual(
      [],
    );
    expect(trainedOtherwise(record, model("a"), undefined)).toEqual([]);
  });

  it("was trained on another dataset, view or kind", () => {
    const found = trainedOtherwise(
      record,
      model("b"),
      cohort({ ViewPosition: ["MLO"], FinalImageType: { not: ["2D"] } }),
    );
    expect(found).toEqual([
      "It was trained on b; this image is of a.",
      "It was trained on MLO only; the view of this image is CC.",
      "Its training left out 2D, which is the kind of this image.",
    ]);
  });
});
