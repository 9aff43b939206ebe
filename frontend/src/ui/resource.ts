import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { isAbort, reachable, UnreachableError } from "../api/client";

export interface Resource<T> {
  /** The newest answer; while a new one is under way the old one stays, marked stale. */
  readonly data: T | undefined;
  readonly error: Error | undefined;
  readonly stale: boolean;
  /** True once the wait has been long enough to be worth showing. */
  readonly slow: boolean;
  readonly reload: () => void;
}

/** Under this many milliseconds nothing is shown: a flash tells less than stillness. */
const PATIENCE = 150;

/** The last answers by key: coming back to a page shows it at once, and asks again behind it. */
const answers = new Map<string, unknown>();
const MOST_ANSWERS = 60;

function remember(key: string, data: unknown): void {
  answers.delete(key);
  answers.set(key, data);
  const oldest = answers.keys().next().value;
  if (answers.size > MOST_ANSWERS && oldest !== undefined) answers.delete(oldest);
}

const recall = <T>(key: string | null): T | undefined =>
  key === null ? undefined : (answers.get(key) as T | undefined);

/** Asks ahead for what is likely wanted next; a failure is met again, and told, by whoever needs it. */
export function prefetch<T>(key: string, load: () => Promise<T>): void {
  if (answers.has(key)) return;
  load().then(
    (data) => remember(key, data),
    () => undefined,
  );
}

/** The next reader of the key asks the server. */
export function forget(key: string): void {
  answers.delete(key);
}

/** What the last load came to, and which one that was. */
interface Settled<T> {
  key: string | null;
  turn: number;
  data: T | undefined;
  error: Error | undefined;
}

const UNASKED = -1;

/**
 * Loads what `key` names and loads again when it changes; the load before is aborted. `null` loads nothing.
 * `keep` decides whether the old answer stays in sight while the new one is under way.
 */
export function useResource<T>(
  key: string | null,
  load: (signal: AbortSignal) => Promise<T>,
  keep = true,
): Resource<T> {
  const [settled, setSettled] = useState<Settled<T>>({
    key,
    turn: UNASKED,
    data: recall<T>(key),
    error: undefined,
  });
  const [slow, setSlow] = useState(false);
  const [turn, setTurn] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  // Before the browser paints: a question that waits for a frame is answered a frame later.
  useLayoutEffect(() => {
    if (key === null) return;
    const control = new AbortController();
    const timer = setTimeout(() => setSlow(true), PATIENCE);
    const settle = (data: T | undefined, error: Error | undefined): void => {
      clearTimeout(timer);
      setSlow(false);
      if (!error) remember(key, data);
      setSettled((old) => ({
        key,
        turn,
        data: error ? (recall<T>(key) ?? (keep || old.key === key ? old.data : undefined)) : data,
        error,
      }));
    };
    latest.current(control.signal).then(
      (data) => settle(data, undefined),
      (error: unknown) => {
        if (!isAbort(error) && !control.signal.aborted) settle(undefined, asError(error));
      },
    );
    return () => {
      clearTimeout(timer);
      setSlow(false);
      control.abort();
    };
  }, [key, turn, keep]);

  const back = reachable.value;
  const lost = settled.error instanceof UnreachableError;
  useEffect(() => {
    if (back && lost) setTurn((n) => n + 1);
  }, [back, lost]);

  const stale = settled.key !== key || settled.turn !== turn;
  const former = keep || settled.key === key ? settled.data : undefined;
  return {
    data: stale ? (recall<T>(key) ?? former) : settled.data,
    error: settled.error,
    stale,
    slow: slow && stale,
    reload: () => setTurn((n) => n + 1),
  };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
