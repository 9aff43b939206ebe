/** The table of predictions a job leaves: `image_id`, `label` and `p_<class>` by their names, a row an image of the test split. Pure. */

export interface Prediction {
  readonly imageId: number;
  readonly label: string;
  readonly said: string;
  /** Probability of what was said. */
  readonly share: number;
}

const PREFIX = "p_";

/** Class names may hold commas only between quotes; probabilities and ids never do. */
function cells(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    (match) => match[1]?.replaceAll('""', '"') ?? match[2] ?? "",
  );
}

export function parsePredictions(text: string): Prediction[] {
  const [head = "", ...lines] = text.trim().split(/\r?\n/);
  const names = cells(head);
  const classes = names.flatMap((name, index) =>
    name.startsWith(PREFIX) ? [{ name: name.slice(PREFIX.length), index }] : [],
  );
  const id = names.indexOf("image_id");
  const label = names.indexOf("label");
  if (id < 0 || label < 0 || classes.length === 0) return [];
  return lines.map((line) => {
    const row = cells(line);
    const best = classes
      .map(({ name, index }) => ({ name, share: Number(row[index]) }))
      .reduce((a, b) => (b.share > a.share ? b : a));
    return {
      imageId: Number(row[id]),
      label: row[label] ?? "",
      said: best.name,
      share: best.share,
    };
  });
}

/** Wrong ones, the surest first: those teach most. */
export function misclassified(predictions: readonly Prediction[]): Prediction[] {
  return predictions.filter((one) => one.said !== one.label).sort((a, b) => b.share - a.share);
}
