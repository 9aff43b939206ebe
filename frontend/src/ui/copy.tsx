import { useState } from "preact/hooks";
import { Icon } from "./icon";

/** Copies a text, and shows for a moment that it has. */
export function CopyButton({ text, label }: { text: string; label: string }) {
  const [done, setDone] = useState(false);
  const copy = (): void => {
    navigator.clipboard?.writeText(text).then(
      () => {
        setDone(true);
        setTimeout(() => setDone(false), 1200);
      },
      () => setDone(false),
    );
  };
  return (
    <button
      type="button"
      class="button quiet icon"
      aria-label={`Copy ${label}`}
      title={`Copy ${label}`}
      onClick={copy}
    >
      <Icon name={done ? "check" : "copy"} size={14} />
    </button>
  );
}

/** A value with a button beside it that copies it whole, however short it is shown. */
export function Copyable({
  text,
  shown = text,
  label,
}: {
  text: string;
  shown?: string;
  label: string;
}) {
  return (
    <span class="copyable">
      <span class="mono" title={text}>
        {shown}
      </span>
      <CopyButton text={text} label={label} />
    </span>
  );
}
