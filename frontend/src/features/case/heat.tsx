import { useEffect, useRef } from "preact/hooks";
import type { ImageSummary, Model } from "../../api/types";
import { paintHeat, preparationOf, squareOn } from "../../lib/heat";
import type { Heat } from "./asked";

interface Props {
  readonly heat: Heat;
  readonly model: Model;
  readonly image: ImageSummary;
  /** Whether one sees the mirror of the picture with the chest wall on the left. */
  readonly mirrored: boolean;
  /** In per cent. */
  readonly opacity: number;
}

/** Where a model looked, over the picture: only the square that it was given is covered. */
export function HeatLayer({ heat, model, image, mirrored, opacity }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { map } = heat;
  useEffect(() => {
    const pixels = new ImageData(paintHeat(map), map.columns, map.rows);
    canvas.current?.getContext("2d")?.putImageData(pixels, 0, 0);
  }, [map]);
  const preparation = preparationOf(model.preprocessing);
  const { Rows: rows, Columns: columns } = image;
  if (!preparation || !rows || !columns) return null;
  const { left, top, width, height } = squareOn(rows, columns, preparation);
  const per = (part: number): string => `${part * 100}%`;
  const placing = {
    "--left": per(mirrored ? 1 - left - width : left),
    "--top": per(top),
    "--width": per(width),
    "--height": per(height),
    "--opacity": String(opacity / 100),
  };
  return (
    <div class="heat" style={placing}>
      <canvas
        ref={canvas}
        class={mirrored ? "mirrored" : ""}
        width={map.columns}
        height={map.rows}
        role="img"
        aria-label={`What ${model.name} went by`}
      />
    </div>
  );
}
