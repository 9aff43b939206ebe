/** Text in which `names in backticks` are set as code. */
export function Prose({ text }: { text: string }) {
  return (
    <>
      {text.split("`").map((part, index) =>
        index % 2 === 1 ? (
          <code class="mono" key={index}>
            {part}
          </code>
        ) : (
          part
        ),
      )}
    </>
  );
}
