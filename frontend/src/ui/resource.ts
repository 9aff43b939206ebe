import { useEffect, useRef, useState } from "preact/hooks";
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

interface State<T> {
  key: string | null;
  data: T | undefined;
  error: Error | undefined;
  pending: boolean;
}

/**
 * Loads what `key` names and loads again when it changes; the load before is aborted. `null` loads nothing.
 * `keep` decides whether the old answer stays in sight while the new one is under way.
 */
export function useResource<T>(
  key: string | null,
  load: (signal: AbortSignal) => Promise<T>,
  keep = true,
): Resource<T> {
  const [state, setState] = useState<State<T>>({
    key,
    data: recall<T>(key),
    error: undefined,
    pending: true,
  });
  const [slow, setSlow] = useState(false);
  const [turn, setTurn] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    if (key === null) return;
    const control = new AbortController();
    setState((old) => ({
      ...old,
      data: recall<T>(key) ?? (keep || old.key === key ? old.data : undefined),
      pending: true,
    }));
    const timer = setTimeout(() => setSlow(true), PATIENCE);
    const settle = (data: T | undefined, error: Error | undefined): void => {
      clearTimeout(timer);
      setSlow(false);
      if (!error) remember(key, data);
      setState((old) => ({ key, data: error ? old.data : data, error, pending: false }));
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
  const lost = state.error instanceof UnreachableError;
  useEffect(() => {
    if (back && lost) setTurn((n) => n + 1);
  }, [back, lost]);

  return {
    data: state.data,
    error: state.error,
    stale: state.pending,
    slow: slow && state.pending,
    reload: () => setTurn((n) => n + 1),
  };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
