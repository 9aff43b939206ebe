import { useState } from "preact/hooks";
import { Icon } from "./icon";

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
    <span class="copyable">
      <span class="mono" title={text}>
        {shown}
      </span>
      <button
        type="button"
        class="button quiet icon"
        aria-label={`Copy ${label}`}
        title={`Copy ${label}`}
        onClick={copy}
      >
        <Icon name={done ? "check" : "copy"} size={14} />
      </button>
    </span>
  );
}
