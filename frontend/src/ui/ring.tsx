const RADIUS = 6.5;
const LENGTH = 2 * Math.PI * RADIUS;

/** Progress from 0 to 1 as a ring of 16 px. */
export function Ring({ fraction }: { fraction: number }) {
  const done = Math.min(1, Math.max(0, fraction));
  return (
    <svg
      class="ring"
      width="16"
      height="16"
      viewBox="0 0 16 16"
      role="img"
      aria-label={`${Math.round(done * 100)} per cent`}
    >
      <circle class="ring-track" cx="8" cy="8" r={RADIUS} />
      <circle
        class="ring-done"
        cx="8"
        cy="8"
        r={RADIUS}
        stroke-dasharray={`${done * LENGTH} ${LENGTH}`}
        transform="rotate(-90 8 8)"
      />
    </svg>
  );
}
