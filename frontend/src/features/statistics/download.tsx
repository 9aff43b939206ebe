import type { RefObject } from "preact";
import { csvText, saveBlob, saveText, svgText, svgToPng } from "../../lib/download";
import { Icon } from "../../ui/icon";

type Rows = readonly (readonly (string | number | null)[])[];

/** The table as CSV, the picture as SVG or PNG. */
export function Downloads({
  name,
  rows,
  svg,
}: {
  name: string;
  rows: Rows;
  svg?: RefObject<SVGSVGElement | null>;
}) {
  const picture = (save: (drawn: SVGSVGElement) => void): void => {
    if (svg?.current) save(svg.current);
  };
  const ground = (): string => getComputedStyle(document.body).backgroundColor;
  return (
    <div class="row downloads" role="toolbar" aria-label={`Download ${name}`}>
      <button
        type="button"
        class="button quiet"
        onClick={() => saveText(`${name}.csv`, "text/csv", csvText(rows))}
      >
        <Icon name="download" size={14} /> CSV
      </button>
      {svg && (
        <>
          <button
            type="button"
            class="button quiet"
            onClick={() =>
              picture((drawn) => saveText(`${name}.svg`, "image/svg+xml", svgText(drawn)))
            }
          >
            SVG
          </button>
          <button
            type="button"
            class="button quiet"
            onClick={() =>
              picture(
                (drawn) =>
                  void svgToPng(drawn, ground()).then((blob) => saveBlob(`${name}.png`, blob)),
              )
            }
          >
            PNG
          </button>
        </>
      )}
    </div>
  );
}
