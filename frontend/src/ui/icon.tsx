/** Line icons of 16 px, drawn here so that nothing is fetched. */
const PATHS = {
  explore: "M2.5 2.5h4v4h-4zM9.5 2.5h4v4h-4zM2.5 9.5h4v4h-4zM9.5 9.5h4v4h-4z",
  cohorts: "M8 2 14 5 8 8 2 5zM2 8l6 3 6-3M2 11l6 3 6-3",
  jobs: "M2 13.5h12M3.5 11V8M7 11V3.5M10.5 11V6M14 11V2",
  search: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.8 10.8 14 14",
  close: "M3.5 3.5l9 9M12.5 3.5l-9 9",
  plus: "M8 3v10M3 8h10",
  left: "M10 3 5 8l5 5",
  right: "M6 3l5 5-5 5",
  filter: "M2 3.5h12M4.5 8h7M6.5 12.5h3",
  person: "M8 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2.5 14a5.5 5.5 0 0 1 11 0",
  invert: "M8 2a6 6 0 1 0 0 12zM8 2a6 6 0 0 1 0 12",
  roi: "M2.5 5V2.5H5M11 2.5h2.5V5M13.5 11v2.5H11M5 13.5H2.5V11",
  reset: "M3 8a5 5 0 1 1 1.5 3.6M3 12.5V9h3.5",
  one: "M3 2.5h10v11H3z",
  four: "M2.5 2.5h5v5h-5zM8.5 2.5h5v5h-5zM2.5 8.5h5v5h-5zM8.5 8.5h5v5h-5z",
  keys: "M1.5 4.5h13v8h-13zM4 7h.5M7 7h.5M10 7h.5M12.5 7h.1M5 10h6",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  check: "M3 8.5 6.5 12 13 4.5",
  window:
    "M8 4.5a3.5 3.5 0 1 0 0 7zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1",
  out: "M6.5 2.5h-4v11h4M10 5l3 3-3 3M13 8H6",
  train: "M5 3l8 5-8 5z",
  lock: "M4 7h8v6.5H4zM5.5 7V5a2.5 2.5 0 0 1 5 0v2",
  save: "M4 2.5h8v11L8 10.5 4 13.5z",
  flag: "M4 14V2.5M4 3h8l-2 3 2 3H4",
  trash: "M3 4.5h10M6 4.5v-2h4v2M4.5 4.5l.5 9h6l.5-9",
  edit: "M3 13h2.5L13 5.5 10.5 3 3 10.5z",
  share:
    "M5 8.5 11 5M5 8.5l6 3M3.5 10a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3zM12.5 6a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3zM12.5 13.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3z",
  measure: "M2 11 11 2l3 3-9 9zM5 8l1.5 1.5M7.5 5.5 9 7",
  loupe: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.8 10.8 14 14M7 5v4M5 7h4",
  move: "M8 1.5v13M1.5 8h13M6 3.5l2-2 2 2M6 12.5l2 2 2-2M3.5 6l-2 2 2 2M12.5 6l2 2-2 2",
  statistics: "M2.5 13.5h11M4 11V7M7 11V3M10 11V5.5M13 11V9",
  admin:
    "M8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM8 1.5v2.5M8 12v2.5M1.5 8H4M12 8h2.5M3.4 3.4l1.8 1.8M10.8 10.8l1.8 1.8M3.4 12.6l1.8-1.8M10.8 5.2l1.8-1.8",
  download: "M8 2v8M4.5 7 8 10.5 11.5 7M2.5 13.5h11",
  up: "M3 10l5-5 5 5",
  down: "M3 6l5 5 5-5",
  link: "M6.5 9.5l3-3M7 4.5l1.5-1.5a3 3 0 0 1 4.5 4.5L11.5 9M9 11.5l-1.5 1.5A3 3 0 0 1 3 8.5L4.5 7",
  twin: "M2.5 3.5h7v9h-7zM6.5 1.5h7v9",
  info: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 7.5V11M8 5v.2",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      stroke-width="1.5"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
