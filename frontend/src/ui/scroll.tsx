import type { ComponentChildren } from "preact";

/** A table that scrolls sideways where it must: by keys too, and named for who does not see it. */
export function TableScroll({
  label,
  panel = false,
  children,
}: {
  label: string;
  panel?: boolean;
  children: ComponentChildren;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
    <section class={`table-scroll ${panel ? "panel" : ""}`} tabIndex={0} aria-label={label}>
      {children}
    </section>
  );
}
