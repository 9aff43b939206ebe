import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { reachable, unauthenticated } from "../api/client";
import { watchJobs } from "../api/live";
import { person, resumeSession } from "../api/session";
import { ExplorePage } from "../features/explore/page";
import { SignInPage } from "../features/signin/page";
import { SetupPage } from "../features/signin/setup";
import { WelcomePage } from "../features/signin/welcome";
import { isFilterKey } from "../lib/filter";
import { matchPath, path, query, withQuery } from "../lib/url";
import { Icon, type IconName } from "../ui/icon";
import { KeysOverlay, showKeys, useKeys } from "../ui/keys";
import { ProblemNote } from "../ui/problem";
import { TopBar } from "./topbar";
import { datasets, datasetsError, loadDatasets } from "./workspace";

interface PageProps {
  readonly id: string;
}

interface Route {
  readonly pattern: string;
  readonly load: () => Promise<ComponentType<PageProps>>;
}

/** Explore opens at once; the other rooms are fetched when one enters them. */
const ROUTES: readonly Route[] = [
  { pattern: "/images/:id", load: () => import("../features/case/page").then((m) => m.CasePage) },
  { pattern: "/cohorts", load: () => import("../features/cohorts/list").then((m) => m.CohortList) },
  {
    pattern: "/cohorts/new",
    load: () => import("../features/cohorts/build").then((m) => m.CohortBuild),
  },
  {
    pattern: "/cohorts/compare",
    load: () => import("../features/cohorts/compare").then((m) => m.CohortCompare),
  },
  {
    pattern: "/cohorts/:id",
    load: () => import("../features/cohorts/detail").then((m) => m.CohortDetail),
  },
  {
    pattern: "/statistics",
    load: () => import("../features/statistics/page").then((m) => m.StatisticsPage),
  },
  { pattern: "/account", load: () => import("../features/person/page").then((m) => m.AccountPage) },
  { pattern: "/admin", load: () => import("../features/admin/page").then((m) => m.AdminPage) },
  { pattern: "/admin/:id", load: () => import("../features/admin/page").then((m) => m.AdminPage) },
  { pattern: "/jobs", load: () => import("../features/jobs/list").then((m) => m.JobList) },
  { pattern: "/jobs/new", load: () => import("../features/jobs/submit").then((m) => m.JobSubmit) },
  {
    pattern: "/jobs/evaluate",
    load: () => import("../features/jobs/evaluate").then((m) => m.ScoresEvaluate),
  },
  {
    pattern: "/jobs/compare",
    load: () => import("../features/jobs/compare").then((m) => m.JobCompare),
  },
  { pattern: "/jobs/:id", load: () => import("../features/jobs/detail").then((m) => m.JobDetail) },
];

function Lazy({ route, id }: { route: Route; id: string }) {
  const [page, setPage] = useState<{ of: Route; view: ComponentType<PageProps> } | null>(null);
  const [error, setError] = useState<Error | null>(null);
  useEffect(() => {
    let current = true;
    route.load().then(
      (view) => current && setPage({ of: route, view }),
      (reason: unknown) =>
        current && setError(reason instanceof Error ? reason : new Error(String(reason))),
    );
    return () => {
      current = false;
    };
  }, [route]);
  if (error) return <ProblemNote error={error} retry={() => window.location.reload()} />;
  if (page?.of !== route) return null;
  const View = page.view;
  return <View id={id} key={route.pattern} />;
}

function CurrentPage() {
  const here = path.value;
  if (here === "/" || here === "/explore") return <ExplorePage />;
  for (const route of ROUTES) {
    const found = matchPath(route.pattern, here);
    if (found) return <Lazy route={route} id={found.id ?? ""} />;
  }
  return (
    <div class="empty">
      <h2>There is no such page</h2>
      <p>
        <span class="mono">{here}</span> leads nowhere.
      </p>
      <a class="button" href="/explore">
        Go to Explore
      </a>
    </div>
  );
}

interface Room {
  readonly href: string;
  readonly name: string;
  readonly icon: IconName;
  readonly under: readonly string[];
}

const ADMIN: Room = { href: "/admin", name: "Admin", icon: "admin", under: ["/admin"] };
const ROOMS: readonly Room[] = [
  { href: "/explore", name: "Explore", icon: "explore", under: ["/explore", "/images"] },
  { href: "/cohorts", name: "Cohorts", icon: "cohorts", under: ["/cohorts"] },
  { href: "/jobs", name: "Jobs", icon: "jobs", under: ["/jobs"] },
  { href: "/statistics", name: "Statistics", icon: "statistics", under: ["/statistics"] },
];

/** Images and figures are two looks at one filter, so the way between them takes it along. */
const FILTERED = new Set(["/explore", "/statistics"]);

function hrefOf(room: string): string {
  const here = path.value === "/" ? "/explore" : path.value;
  if (!FILTERED.has(room) || !FILTERED.has(here) || room === here) return room;
  const own = [...query.value].filter(([key]) => isFilterKey(key) || key === "dataset");
  return withQuery(room, own);
}

function Rail() {
  const here = path.value;
  const rooms = person.value?.role === "admin" ? [...ROOMS, ADMIN] : ROOMS;
  return (
    <nav class="rail" aria-label="Rooms">
      <a class="mark" href="/explore" aria-label="EMBED Lab, start">
        <img src="/icon.svg" alt="" width="24" height="24" />
      </a>
      {rooms.map((room) => {
        const inside =
          here === "/" ? room.href === "/explore" : room.under.some((one) => here.startsWith(one));
        return (
          <a
            key={room.href}
            href={hrefOf(room.href)}
            {...(inside ? { "aria-current": "page" as const } : {})}
          >
            <Icon name={room.icon} size={18} />
            <span>{room.name}</span>
          </a>
        );
      })}
    </nav>
  );
}

function OfflineBar() {
  useEffect(() => {
    if (reachable.value) return;
    const timer = setInterval(() => {
      fetch("/livez", { cache: "no-store" }).then(
        (answer) => {
          if (answer.ok) reachable.value = true;
        },
        () => undefined,
      );
    }, 2_000);
    return () => clearInterval(timer);
  }, [reachable.value]);
  if (reachable.value) return null;
  return (
    <div class="offline" role="status">
      The server does not answer. Trying again; what you set is kept in the address.
    </div>
  );
}

function Shell() {
  useKeys([{ keys: ["?"], does: "Show the keys of this page", run: showKeys }]);
  useEffect(() => {
    void loadDatasets();
    return watchJobs();
  }, []);
  useEffect(() => {
    if (reachable.value && datasetsError.value) void loadDatasets();
  }, [reachable.value]);
  return (
    <div class="shell">
      <a class="skip button" href="#main">
        Skip to the page
      </a>
      <Rail />
      <TopBar />
      <main id="main">
        {datasetsError.value && !datasets.value ? (
          <div class="empty">
            <ProblemNote error={datasetsError.value} retry={() => void loadDatasets()} />
          </div>
        ) : (
          <CurrentPage />
        )}
      </main>
      <OfflineBar />
      <KeysOverlay />
    </div>
  );
}

export function App() {
  const [error, setError] = useState<Error | null>(null);
  const resume = (): void => {
    setError(null);
    resumeSession().catch((reason: unknown) =>
      setError(reason instanceof Error ? reason : new Error(String(reason))),
    );
  };
  useEffect(resume, []);
  if (error) {
    return (
      <div class="empty">
        <ProblemNote error={error} retry={resume} />
      </div>
    );
  }
  if (path.value === "/welcome") return <WelcomePage />;
  if (path.value === "/setup") return <SetupPage />;
  if (person.value === undefined) return null;
  return person.value === null || unauthenticated.value ? <SignInPage /> : <Shell />;
}
