import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface MenuProps {
  /** Name of the button; leave it out where the button carries its own text. */
  readonly label?: string;
  readonly title?: string;
  readonly button: ComponentChildren;
  readonly children: ComponentChildren;
  readonly class?: string;
}

/** A button that opens a small sheet under it; Escape, a click elsewhere or a choice closes it. */
export function Menu({ label, title = label, button, children, class: extra = "" }: MenuProps) {
  const box = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const close = (event: Event): void => {
      const menu = box.current;
      if (!menu?.open) return;
      if (event instanceof KeyboardEvent) {
        if (event.key !== "Escape") return;
        menu.querySelector("summary")?.focus();
        // The page's own Escape must not act as well.
        event.preventDefault();
      } else if (event.target instanceof Node && menu.contains(event.target)) return;
      menu.open = false;
    };
    document.addEventListener("pointerdown", close);
    document.addEventListener("keydown", close, true);
    return () => {
      document.removeEventListener("pointerdown", close);
      document.removeEventListener("keydown", close, true);
    };
  }, []);
  const closeOnChoice = (event: MouseEvent): void => {
    const chosen = event.target instanceof Element ? event.target.closest("a, button") : null;
    // A form in the sheet has buttons of its own that are no choice.
    if (chosen && !chosen.closest("form, [data-stays]") && box.current) box.current.open = false;
  };
  return (
    <details class={`menu ${extra}`} ref={box}>
      <summary class="button quiet" {...(label ? { "aria-label": label } : {})} title={title ?? ""}>
        {button}
      </summary>
      {/* biome-ignore lint/a11y: a click on the sheet itself does nothing; its buttons and links have their own keys */}
      <div class="sheet" onClick={closeOnChoice}>
        {children}
      </div>
    </details>
  );
}
