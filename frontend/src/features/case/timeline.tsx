import { useEffect, useRef } from "preact/hooks";
import { retrievePatient } from "../../api/catalog";
import type { ImageRecord, TimelineExam } from "../../api/types";
import { formatDate } from "../../lib/format";
import { densityWords } from "../../lib/vocabulary";
import { AssessmentMark } from "../../ui/assessment";
import { useResource } from "../../ui/resource";
import { prior, setPrior } from "./state";

/** `+14 d`, `+13 months`, `+2.1 years`. */
function interval(days: number): string {
  const sign = days < 0 ? "\u2212" : "+";
  const n = Math.abs(days);
  if (n < 60) return `${sign}${n} d`;
  return n < 730
    ? `${sign}${Math.round(n / 30.44)} months`
    : `${sign}${(n / 365.25).toFixed(1)} years`;
}

function Procedures({ exam }: { exam: TimelineExam }) {
  return (
    <>
      {exam.procedures.map((procedure, index) => {
        const kind = procedure.labels.technique ?? procedure.labels.type ?? "procedure";
        const found = procedure.pathology_codes[0]?.label ?? procedure.pathology ?? "no result";
        const when =
          procedure.days_since_exam === null ? "" : `${interval(procedure.days_since_exam)} `;
        return (
          <li key={`${exam.exam_id} ${index}`} class="procedure">
            <span class="time-gap">{when}</span>
            <span>
              {kind}
              {procedure.side ? ` ${procedure.side}` : ""}: <strong>{found}</strong>
            </span>
          </li>
        );
      })}
    </>
  );
}

function ExamStop({ exam, here, first }: { exam: TimelineExam; here: boolean; first: boolean }) {
  const density = densityWords(exam.tissueden);
  const beside = prior.value === exam.exam_id;
  const words = [
    exam.desc,
    density && `density ${density}`,
    `${exam.images} images`,
    here ? "this exam" : beside ? "hangs beside; press to take it down" : "press to hang it beside",
  ];
  return (
    <li class={`stop ${here ? "here" : ""}`}>
      {!first && exam.days_since_previous !== null && (
        <span class="time-gap">{interval(exam.days_since_previous)}</span>
      )}
      <button
        type="button"
        aria-pressed={here ? undefined : beside}
        {...(here ? { "aria-current": "date" as const } : {})}
        disabled={here}
        title={words.filter(Boolean).join(" · ")}
        onClick={() => setPrior(beside ? null : exam.exam_id)}
      >
        <AssessmentMark code={exam.asses} />
        <span>{exam.date ? formatDate(exam.date) : "no date"}</span>
        <span class="faint">{exam.exam_type ?? exam.desc ?? ""}</span>
      </button>
    </li>
  );
}

/** Brings the present exam into sight, where a patient has more of them than fit. */
function useHere(examId: string, exams: number) {
  const box = useRef<HTMLElement>(null);
  useEffect(() => {
    const strip = box.current;
    const here = strip?.querySelector<HTMLElement>(".here");
    if (strip && here) strip.scrollLeft = here.offsetLeft - strip.clientWidth / 2;
  }, [examId, exams]);
  return box;
}

/** The patient's exams and procedures along time; pressing one hangs it beside the present exam. */
export function Timeline({ record }: { record: ImageRecord }) {
  const patient = useResource(`patient ${record.dataset} ${record.patient_id}`, (aborted) =>
    retrievePatient(record.dataset, record.patient_id, aborted),
  );
  const exams = patient.data?.exams ?? [];
  const box = useHere(record.exam_id, exams.length);
  if (patient.data?.patient_id !== record.patient_id || exams.length === 0) return null;
  return (
    <nav class="timeline" ref={box} aria-label="Exams of this patient">
      <ol>
        {exams.map((exam, index) => [
          <ExamStop
            key={exam.exam_id}
            exam={exam}
            here={exam.exam_id === record.exam_id}
            first={index === 0}
          />,
          <Procedures key={`${exam.exam_id} p`} exam={exam} />,
        ])}
      </ol>
    </nav>
  );
}
