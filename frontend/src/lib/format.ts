/** Numbers, dates and sizes as people read them. Pure; the locale is English throughout. */

const integers = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const compacts = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });

export function formatCount(n: number): string {
  return integers.format(n);
}

/** `1.2M`: for places too narrow for the whole number, whose title carries it. */
export function formatCompact(n: number): string {
  return n < 1_000_000 ? formatCount(n) : compacts.format(n);
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${formatCount(n)} ${n === 1 ? one : many}`;
}

export interface Totals {
  readonly images: number;
  readonly exams: number;
  readonly patients: number;
}

/** `12,408 images in 3,112 exams of 2,894 patients`. */
export function formatTotals(total: Totals): string {
  const { images, exams, patients } = total;
  return `${plural(images, "image")} in ${plural(exams, "exam")} of ${plural(patients, "patient")}`;
}

/** `0.934`, `1.000`; a missing figure is a dash. */
export function formatFigure(value: number | null | undefined, digits = 3): string {
  return value === null || value === undefined || !Number.isFinite(value)
    ? "–"
    : value.toFixed(digits);
}

export function formatPercent(share: number | null | undefined, digits = 1): string {
  return share === null || share === undefined || !Number.isFinite(share)
    ? "–"
    : `${(share * 100).toFixed(digits)} %`;
}

/** A published figure may be a fraction or a percentage; both are shown as a percentage. */
export function asShare(value: number): number {
  return value > 1 ? value / 100 : value;
}

/** `42 s`, `3 min 20 s`, `1 h 05 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

const UNITS = ["B", "KB", "MB", "GB", "TB"] as const;

export function formatBytes(bytes: number): string {
  const step = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** step;
  return `${step === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[step]}`;
}

/** `2 min ago`, `yesterday 14:03`, `2026-03-04 14:03`; `now` is given so that the rule can be tested. */
export function formatWhen(iso: string, now: Date = new Date()): string {
  const then = new Date(iso);
  const seconds = (now.getTime() - then.getTime()) / 1000;
  if (Number.isNaN(seconds)) return iso;
  if (seconds < 45) return "just now";
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min ago`;
  const clock = `${pad(then.getHours())}:${pad(then.getMinutes())}`;
  if (dayOf(then) === dayOf(now)) return `today ${clock}`;
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  return dayOf(then) === dayOf(yesterday) ? `yesterday ${clock}` : `${dayOf(then)} ${clock}`;
}

const pad = (n: number): string => String(n).padStart(2, "0");
const dayOf = (date: Date): string =>
  `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;

/** Dates of EMBED are `YYYY-MM-DD` or `YYYY-MM-DD 00:00:00`; the time never means anything. */
export function formatDate(text: string): string {
  return text.slice(0, 10);
}

/** `+14 d`, `+21 d`; dates of one patient are shifted alike, so intervals are exact. */
export function daysBetween(earlier: string, later: string): number {
  return Math.round((Date.parse(formatDate(later)) - Date.parse(formatDate(earlier))) / 86_400_000);
}

export function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
