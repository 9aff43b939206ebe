/** The parts of a cohort side by side: classes and subgroups. Pure. */
import type { Splits } from "../api/types";

export interface Part {
  readonly name: string;
  readonly images: number;
  /** Of the scale that splits have everywhere, from 1. */
  readonly colour: number;
}

export interface Balanced {
  readonly attribute: string;
  readonly values: readonly {
    readonly value: string | null;
    /** By part. */
    readonly images: Readonly<Record<string, number>>;
  }[];
}

const ORDER = ["train", "validation", "test"];

/** `<30` comes before `30-39`, whatever its first letter says. */
const below = (value: string | null): number => (value?.startsWith("<") ? 0 : 1);

/** Splits in the order one uses them; classes come first, then each attribute in the server's order. */
export function balanceOf({ splits, subgroups }: Pick<Splits, "splits" | "subgroups">): {
  parts: Part[];
  groups: Balanced[];
} {
  const parts = splits
    .map(({ name, images }) => ({ name, images, colour: ORDER.indexOf(name) + 1 }))
    .sort((a, b) => a.colour - b.colour);
  const names = [...new Set(splits.flatMap((split) => Object.keys(split.classes)))].sort();
  const classes = names.map((value) => ({
    value,
    images: Object.fromEntries(splits.map((split) => [split.name, split.classes[value] ?? 0])),
  }));
  const attributes = [...new Set(subgroups.map((one) => one.attribute))];
  return {
    parts,
    groups: [
      { attribute: "Class", values: classes },
      ...attributes.map((attribute) => ({
        attribute,
        values: subgroups
          .filter((one) => one.attribute === attribute)
          .sort((a, b) => below(a.value) - below(b.value)),
      })),
    ],
  };
}
