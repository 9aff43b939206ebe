/**
 * Pictures by fetch instead of by <img>: what scrolled away is truly aborted, a full server (503) is asked again when
 * it says so, and no more are under way than leave a connection free for counts (a browser opens six, the job stream
 * holds one).
 */
import { ApiError, requestPicture } from "./client";

const AT_ONCE = 4;
const TRIES = 5;
const PATIENCE_MS = 700;

interface Waiting {
  readonly start: () => void;
  readonly aborted: AbortSignal;
}

let running = 0;
const waiting: Waiting[] = [];

function next(): void {
  while (running < AT_ONCE) {
    const one = waiting.shift();
    if (!one) return;
    if (!one.aborted.aborted) one.start();
  }
}

/** Runs `work` when its turn comes; one that was aborted while it waited never starts. */
function inTurn<T>(work: () => Promise<T>, aborted: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    aborted.addEventListener("abort", () => reject(aborted.reason), { once: true });
    const start = (): void => {
      running += 1;
      work()
        .then(resolve, reject)
        .finally(() => {
          running -= 1;
          next();
        });
    };
    waiting.push({ start, aborted });
    next();
  });
}

const pause = (ms: number, aborted: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    aborted.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(aborted.reason);
    });
  });

function isBusy(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 503 || error.status === 504);
}

export interface LoadedPicture {
  /** An object URL, which the caller revokes. */
  readonly src: string;
  readonly mirrored: boolean;
}

/** A picture that cannot be had throws its problem. */
export async function loadPicture(url: string, aborted: AbortSignal): Promise<LoadedPicture> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { blob, mirrored } = await inTurn(() => requestPicture(url, aborted), aborted);
      return { src: URL.createObjectURL(blob), mirrored };
    } catch (error) {
      if (!isBusy(error) || attempt >= TRIES) throw error;
      await pause(PATIENCE_MS * attempt, aborted);
    }
  }
}
