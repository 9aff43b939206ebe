/**
 * What an id means by its shape: exams have 16 digits, patients 8 (EMBED's acc_anon and empi_anon), images fewer
 * (a running number). Everything else is a job or a cohort, which only the server can tell apart.
 */
export function guessTarget(text: string): string | null {
  if (/^\d{16}$/.test(text)) return `/explore?acc_anon=${text}`;
  if (/^\d{8}$/.test(text)) return `/explore?empi_anon=${text}`;
  if (/^\d{1,15}$/.test(text)) return `/images/${text}`;
  return null;
}
