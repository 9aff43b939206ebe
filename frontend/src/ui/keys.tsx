import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

export interface KeyBinding {
  /** As `KeyboardEvent.key` says it; several mean the same. */
  readonly keys: readonly string[];
  readonly does: string;
  readonly run?: (event: KeyboardEvent) => void;
  /** Only together with Shift; without this, Shift does not matter. */
  readonly shift?: boolean;
  /** Where the key means something else, it is left alone. */
  readonly when?: () => boolean;
}

const layers = signal<readonly (readonly KeyBinding[])[]>([]);
const shown = signal(false);

const MOVING = new Set([
  "ArrowLeft",
  "ArrowRight",
  "ArrowUp",
  "ArrowDown",
  "PageUp",
  "PageDown",
  "Home",
  "End",
]);
const TEXT = "textarea, [contenteditable], input:not([type=checkbox], [type=radio], [type=range])";

/** Whether the element that has the focus wants this key for itself. */
function isTaken(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.matches(TEXT)) return true;
  if (target.matches("input, select")) return MOVING.has(key) || key === " ";
  return target.matches("button, summary") && (key === " " || key === "Enter");
}

/** The page's keys, while it is there. What the focused element wants for itself stays its own. */
export function useKeys(bindings: readonly KeyBinding[]): void {
  const latest = useRef(bindings);
  latest.current = bindings;
  useEffect(() => {
    // The overlay lists the texts; what runs is always the newest closure.
    const layer = latest.current;
    layers.value = [...layers.value, layer];
    const listen = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (isTaken(event.target, event.key) || document.querySelector("dialog[open]")) return;
      const binding = latest.current.find(
        (one) =>
          one.run &&
          one.keys.includes(event.key) &&
          (!one.shift || event.shiftKey) &&
          one.when?.() !== false,
      );
      if (!binding?.run) return;
      event.preventDefault();
      binding.run(event);
    };
    document.addEventListener("keydown", listen);
    return () => {
      layers.value = layers.value.filter((one) => one !== layer);
      document.removeEventListener("keydown", listen);
    };
  }, []);
}

export function showKeys(): void {
  shown.value = true;
}

/** More keys than these for one thing are only noise. */
const SHOWN = 4;

const NAMES: Record<string, string> = {
  " ": "Space",
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  Escape: "Esc",
};

export function KeysOverlay() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (shown.value) dialog.current?.showModal();
    else dialog.current?.close();
  }, [shown.value]);
  return (
    <dialog
      ref={dialog}
      class="keys"
      aria-label="Keys of this page"
      onClose={() => {
        shown.value = false;
      }}
    >
      <h2>Keys of this page</h2>
      <dl>
        {layers.value.flat().map((binding) => (
          <div key={binding.does} class="row">
            <dt>
              {binding.keys.slice(0, SHOWN).map((key) => (
                <kbd key={key}>{NAMES[key] ?? key}</kbd>
              ))}
            </dt>
            <dd>{binding.does}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <button type="submit" class="button">
          Close
        </button>
      </form>
    </dialog>
  );
}
