import { describe, expect, it } from "vitest";
import {
  filterJson,
  filterPairs,
  filterPieces,
  fromJson,
  parseFilter,
  toggleValue,
  withoutPiece,
} from "../src/lib/filter";

const parse = (text: string) => parseFilter(new URLSearchParams(text));

describe("the filter grammar", () => {
  it("reads values, bounds, null and exclusion from a query string", () => {
    const filter = parse(
      "asses=S&asses=M&ViewPosition=CC&age_at_study.gte=40&age_at_study.lt=55&path_severity=null&side.not=L",
    );
    expect(filter).toEqual({
      asses: { in: ["S", "M"] },
      ViewPosition: { in: ["CC"] },
      age_at_study: { gte: "40", lt: "55" },
      path_severity: { in: [null] },
      side: { not: ["L"] },
    });
  });

  it("leaves the parameters of the API and of the page alone", () => {
    expect(parse("dataset=embed&sort=age&limit=5&cursor=x&_look=7&_window=1,2")).toEqual({});
  });

  it("keeps the dot of a clinical column", () => {
    expect(parse("clinical.desc=A&clinical.age.gte=4")).toEqual({
      "clinical.desc": { in: ["A"] },
      "clinical.age": { gte: "4" },
    });
  });

  it("writes back what it read", () => {
    const text = "asses=S&asses=M&age.gte=40&massdens=%2B&side.not=L&side.not=null&x.none=A";
    expect(new URLSearchParams(filterPairs(parse(text))).toString()).toBe(
      "asses=S&asses=M&age.gte=40&massdens=%2B&side.not=L&side.not=null&x.none=A",
    );
  });

  it("makes the JSON of the API, numbers as numbers and dates as text", () => {
    expect(filterJson(parse("asses=S&age.gte=40&date.lt=2015-01-01&side.not=L&p=null"))).toEqual({
      asses: ["S"],
      age: { gte: 40 },
      date: { lt: "2015-01-01" },
      side: { not: ["L"] },
      p: [null],
    });
  });

  it("reads a definition that comes back from the server", () => {
    const filter = parse("asses=S&age.gte=40&side.not=L&p=null");
    expect(fromJson(filterJson(filter))).toEqual(filter);
  });
});

describe("changing a filter", () => {
  it("selects, selects more and takes back", () => {
    const one = toggleValue({}, "asses", "S");
    const two = toggleValue(one, "asses", "M");
    expect(two).toEqual({ asses: { in: ["S", "M"] } });
    expect(toggleValue(toggleValue(two, "asses", "S"), "asses", "M")).toEqual({});
  });

  it("moves a value between chosen and left out", () => {
    const chosen = toggleValue({}, "asses", "S");
    expect(toggleValue(chosen, "asses", "S", true)).toEqual({ asses: { not: ["S"] } });
  });

  it("keeps the place of a field, so that chips do not jump", () => {
    const filter = parse("asses=S&side=L");
    expect(Object.keys(toggleValue(filter, "asses", "M"))).toEqual(["asses", "side"]);
  });

  it("removes one piece at a time, a range as a whole", () => {
    const filter = parse("asses=S&asses=M&age.gte=40&age.lt=55");
    const pieces = filterPieces(filter);
    expect(pieces.map((piece) => `${piece.field} ${piece.kind} ${piece.value}`)).toEqual([
      "asses in S",
      "asses in M",
      "age range null",
    ]);
    const rest = pieces.reduce(withoutPiece, filter);
    expect(rest).toEqual({});
  });
});
