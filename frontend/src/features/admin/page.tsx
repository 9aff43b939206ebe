import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { person } from "../../api/session";
import { AuditLog } from "./audit";
import { CachePage } from "./cache";
import { Datasets } from "./datasets";
import { People } from "./people";
import { System } from "./system";
import { Workers } from "./workers";
import "./admin.css";

const TABS: readonly { id: string; name: string; view: ComponentType }[] = [
  { id: "people", name: "People", view: People },
  { id: "audit", name: "Audit log", view: AuditLog },
  { id: "workers", name: "Workers", view: Workers },
  { id: "datasets", name: "Datasets", view: Datasets },
  { id: "cache", name: "Cache", view: CachePage },
  { id: "system", name: "Services", view: System },
];

/** What only administrators see. */
export function AdminPage({ id }: { id: string }) {
  const tab = TABS.find((one) => one.id === id) ?? TABS[0];
  useEffect(() => {
    document.title = `${tab?.name ?? "Admin"} · EMBED Lab`;
  }, [tab]);
  if (person.value?.role !== "admin" || !tab) {
    return (
      <div class="empty">
        <h2>For administrators</h2>
        <p>People, audit and workers are kept by your administrators. Ask one of them.</p>
        <a class="button" href="/explore">
          Go to Explore
        </a>
      </div>
    );
  }
  const View = tab.view;
  return (
    <div class="page">
      <div class="inner">
        <header class="page-head">
          <h1>Admin</h1>
          <nav class="tabs" aria-label="Admin pages">
            {TABS.map((one) => (
              <a
                key={one.id}
                href={`/admin/${one.id}`}
                {...(one === tab ? { "aria-current": "page" as const } : {})}
              >
                {one.name}
              </a>
            ))}
          </nav>
        </header>
        <View />
      </div>
    </div>
  );
}
