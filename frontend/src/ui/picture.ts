import { useEffect, useRef, useState } from "preact/hooks";
import { isAbort, reachable, UnreachableError } from "../api/client";
import { loadPicture } from "../api/picture-loader";

export interface Picture {
  readonly src: string | null;
  /** Whether the server exchanged left and right of what is stored. */
  readonly mirrored: boolean;
  readonly error: Error | null;
}

const NOTHING: Picture = { src: null, mirrored: false, error: null };

/**
 * The picture behind an address. While another is under way the former stays in sight if both are of the same `subject`
 * (another window of the same image), else nothing does.
 */
export function usePicture(url: string | null, subject: string | number): Picture {
  const [picture, setPicture] = useState<Picture>(NOTHING);
  const held = useRef<{ src: string; subject: string | number } | null>(null);
  const back = reachable.value;
  const lost = picture.error instanceof UnreachableError && back;

  useEffect(() => {
    if (held.current && held.current.subject !== subject) setPicture(NOTHING);
    if (!url) return;
    const control = new AbortController();
    loadPicture(url, control.signal).then(
      ({ src, mirrored }) => {
        if (control.signal.aborted) {
          URL.revokeObjectURL(src);
          return;
        }
        const former = held.current;
        held.current = { src, subject };
        setPicture({ src, mirrored, error: null });
        if (former) URL.revokeObjectURL(former.src);
      },
      (error: unknown) => {
        if (control.signal.aborted || isAbort(error)) return;
        setPicture({
          ...NOTHING,
          error: error instanceof Error ? error : new Error(String(error)),
        });
      },
    );
    return () => control.abort();
  }, [url, subject, lost]);
  useEffect(
    () => () => {
      if (held.current) URL.revokeObjectURL(held.current.src);
    },
    [],
  );
  return picture;
}
