/** Grey bars where text will stand. `lines` are their widths in per cent. */
export function SkeletonLines({ lines = [80, 60, 70] }: { lines?: readonly number[] }) {
  return (
    <div class="stack" aria-hidden="true">
      {lines.map((width, index) => (
        <div key={index} class="skeleton line" style={{ width: `${width}%` }} />
      ))}
    </div>
  );
}
