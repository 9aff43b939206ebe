/** The address bar as a value. Everything that a colleague should see again stands in it. */
import { computed, signal } from "@preact/signals";

export interface Address {
  readonly path: string;
  readonly search: string;
}

const here = (): Address => ({ path: window.location.pathname, search: window.location.search });

export const address = signal<Address>(here());
export const path = computed(() => address.value.path);
export const query = computed(() => new URLSearchParams(address.value.search));

export function navigate(to: string, options: { replace?: boolean } = {}): void {
  if (to === address.value.path + address.value.search) return;
  if (options.replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  address.value = here();
}

/** Replaces or removes (null) parameters of the present address. */
export function setParameters(
  changes: Readonly<Record<string, string | null>>,
  options: { replace?: boolean } = {},
): void {
  const next = new URLSearchParams(query.value);
  for (const [key, value] of Object.entries(changes)) {
    if (value === null || value === "") next.delete(key);
    else next.set(key, value);
  }
  navigate(withQuery(path.value, next), options);
}

/** `null` stays readable: `path_severity=null`; an empty query leaves no question mark. */
export function withQuery(
  to: string,
  parameters: URLSearchParams | readonly [string, string][],
): string {
  const text = new URLSearchParams([...parameters]).toString();
  return text ? `${to}?${text}` : to;
}

function isPlainClick(event: MouseEvent): boolean {
  const modified = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
  return event.button === 0 && !modified && !event.defaultPrevented;
}

/** Links of our own origin change the page without loading it anew; everything else is the browser's. */
export function followLinks(root: Document): void {
  root.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || !isPlainClick(event) || link.target || link.hasAttribute("download")) return;
    if (link.origin !== window.location.origin || link.pathname.startsWith("/api/")) return;
    event.preventDefault();
    navigate(link.pathname + link.search);
    if (!link.search) window.scrollTo(0, 0);
  });
  window.addEventListener("popstate", () => {
    address.value = here();
  });
}

/** `matchPath("/jobs/:id", "/jobs/7")` is `{id: "7"}`. */
export function matchPath(pattern: string, actual: string): Record<string, string> | null {
  const wanted = pattern.split("/");
  const given = actual.replace(/\/+$/, "").split("/");
  if (wanted.length !== given.length) return null;
  const found: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? "";
    if (part.startsWith(":")) found[part.slice(1)] = decodeURIComponent(value);
    else if (part !== value) return null;
  }
  return found;
}
