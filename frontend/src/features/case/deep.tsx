import type OpenSeadragon from "openseadragon";
import { useEffect, useRef, useState } from "preact/hooks";
import { request } from "../../api/client";
import { iiifInfoUrl, tileQuery } from "../../api/pictures";
import { mirroredPart, type Part } from "../../lib/deep";
import type { Window } from "../../lib/window";

interface DeepProps {
  readonly imageId: number;
  readonly version: string;
  readonly window: Window | null;
  readonly inverted: boolean;
  /** Whether what one sees is the mirror of what is stored. */
  readonly flipped: boolean;
  /** What is to be seen, in parts of the width of the picture as one sees it. */
  readonly part: Part;
  readonly filter?: string;
}

type Library = typeof OpenSeadragon;

/**
 * The library writes a style element once, which our content policy forbids. It looks for its mark first, and any element
 * called `style` will do: this one is of no namespace that a browser knows, so it styles nothing.
 */
function keepStyleOut(): void {
  const mark = "data-openseadragon-mobile-css";
  if (document.querySelector(`style[${mark}]`)) return;
  const inert = document.createElementNS("urn:embedlab", "style");
  inert.setAttribute(mark, "");
  document.head.append(inert);
}

/** Tiles through IIIF, drawn by OpenSeadragon, where the picture under it has no more pixels to give. Zooming and panning are ours. */
export function DeepZoom(props: DeepProps) {
  const { imageId, version, inverted, flipped, part } = props;
  const box = useRef<HTMLDivElement>(null);
  const [viewer, setViewer] = useState<OpenSeadragon.Viewer | null>(null);
  const [library, setLibrary] = useState<Library | null>(null);
  const [drawn, setDrawn] = useState(false);
  const [opened, setOpened] = useState(0);
  const query = tileQuery({ window: props.window, invert: inverted, version });

  useEffect(() => {
    let made: OpenSeadragon.Viewer | null = null;
    let gone = false;
    void import("openseadragon").then(({ default: loaded }) => {
      if (gone || !box.current) return;
      keepStyleOut();
      made = loaded({
        element: box.current,
        drawer: "canvas",
        showNavigationControl: false,
        mouseNavEnabled: false,
        tabIndex: -1,
        keyboardNavEnabled: false,
        animationTime: 0,
        blendTime: 0.1,
        immediateRender: true,
        imageLoaderLimit: 3,
        tileRetryMax: 4,
        tileRetryDelay: 800,
        minZoomLevel: 0.01,
        maxZoomLevel: 1000,
        visibilityRatio: 0,
        minPixelRatio: 0.8,
      });
      setLibrary(() => loaded);
      setViewer(made);
    });
    return () => {
      gone = true;
      made?.destroy();
    };
  }, []);

  useEffect(() => {
    if (!viewer || !library) return;
    setDrawn(false);
    const control = new AbortController();
    const open = (info: OpenSeadragon.TileSourceOptions): void => {
      // The name under which the server knows itself need not be the one this page knows.
      const here = { id: `${globalThis.location.origin}/iiif/3/${imageId}` };
      const source = new library.IIIFTileSource(Object.assign({}, info, here));
      const plain = source.getTileUrl.bind(source);
      source.getTileUrl = (level, x, y) => `${plain(level, x, y)}?${query}`;
      const former = viewer.world.getItemCount();
      viewer.addTiledImage({
        tileSource: source,
        // What was seen stays until its successor is there.
        success: (event: Event) => {
          // The library hands its own event where its types say the browser's.
          const { item } = event as Event & { item: OpenSeadragon.TiledImage };
          item.addHandler("fully-loaded-change", ({ fullyLoaded }) =>
            setDrawn(fullyLoaded === true),
          );
          for (let n = 0; n < former; n += 1) viewer.world.removeItem(viewer.world.getItemAt(0));
          setOpened((times) => times + 1);
        },
      });
    };
    request<OpenSeadragon.TileSourceOptions>(iiifInfoUrl(imageId, version), {
      signal: control.signal,
    }).then(
      open,
      // The picture under the tiles says what is wrong with the image.
      () => undefined,
    );
    return () => control.abort();
  }, [viewer, library, imageId, query]);

  const shown = flipped ? mirroredPart(part) : part;
  useEffect(() => {
    if (!viewer || !library || opened === 0) return;
    viewer.viewport.setFlip(flipped);
    const { x, y, width, height } = shown;
    viewer.viewport.fitBounds(new library.Rect(x, y, width, height), true);
  }, [viewer, library, opened, flipped, shown.x, shown.y, shown.width, shown.height]);

  return (
    <div
      ref={box}
      class="deep"
      data-drawn={drawn}
      style={{ filter: props.filter ?? "" }}
      aria-hidden="true"
    />
  );
}
