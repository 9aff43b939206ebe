import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { formatCount } from "../lib/format";

const DURATION = 160;

/** A count that moves to its new value, so that the eye sees in which direction it went. */
export function Counter({ value }: { value: number }) {
  const [shown, setShown] = useState(value);
  const last = useRef(value);
  useLayoutEffect(() => {
    const from = last.current;
    last.current = value;
    if (from === value || matchMedia("(prefers-reduced-motion: reduce)").matches) {
      setShown(value);
      return;
    }
    const start = performance.now();
    let frame = 0;
    const step = (now: number): void => {
      const t = Math.min(1, (now - start) / DURATION);
      setShown(Math.round(from + (value - from) * (1 - (1 - t) ** 3)));
      if (t < 1) frame = requestAnimationFrame(step);
    };
    frame = requestAnimationFrame(step);
    return () => cancelAnimationFrame(frame);
  }, [value]);
  return <span>{formatCount(shown)}</span>;
}
