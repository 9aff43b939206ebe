import { assessmentWords } from "../lib/vocabulary";

/** The letter on its colour; never the colour alone. */
export function AssessmentMark({ code }: { code: string | null | undefined }) {
  if (!code) return null;
  const words = assessmentWords(code);
  return (
    <span class={`asses asses-${code}`} title={words}>
      <span aria-hidden="true">{code}</span>
      <span class="visually-hidden">{words}</span>
    </span>
  );
}
