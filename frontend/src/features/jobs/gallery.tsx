import type { Experiment } from "../../api/types";
import { query, withQuery } from "../../lib/url";
import { Prose } from "../../ui/prose";
import { publishedLine } from "./published";

/** Every experiment as a card; what others reached stands on it, named as theirs. */
export function Gallery({ experiments }: { experiments: readonly Experiment[] }) {
  const carried = [...query.value].filter(([key]) => key !== "experiment");
  return (
    <ul class="gallery">
      {experiments.map((experiment) => {
        const published = publishedLine(experiment.published);
        return (
          <li key={experiment.name}>
            <a
              class="experiment"
              href={withQuery("/jobs/new", [["experiment", experiment.name], ...carried])}
            >
              <span class="mono faint">{experiment.name}</span>
              <h2>{experiment.title}</h2>
              <p class="soft">
                <Prose text={experiment.description} />
              </p>
              <p class="row wrap">
                {experiment.classes.map((name) => (
                  <span key={name} class="badge">
                    {name}
                  </span>
                ))}
                <span class="faint">{experiment.models.join(", ")}</span>
              </p>
              {published && (
                <p class="experiment-published">
                  <span class="badge warn">Published by others</span> {published}
                </p>
              )}
            </a>
          </li>
        );
      })}
    </ul>
  );
}
