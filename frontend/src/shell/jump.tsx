import { useRef, useState } from "preact/hooks";
import { retrieveCohort } from "../api/catalog";
import { ApiError } from "../api/client";
import { retrieveJob } from "../api/trainer";
import { navigate } from "../lib/url";
import { Icon } from "../ui/icon";
import { useKeys } from "../ui/keys";
import { guessTarget } from "./target";

async function exists(load: Promise<unknown>): Promise<boolean> {
  try {
    await load;
    return true;
  } catch (error) {
    if (error instanceof ApiError && (error.status === 404 || error.status === 422)) return false;
    throw error;
  }
}

/** The address an id stands for; jobs and cohorts look alike, so the server is asked. */
async function addressOf(text: string): Promise<string | null> {
  const guessed = guessTarget(text);
  if (guessed) return guessed;
  const id = encodeURIComponent(text);
  if (await exists(retrieveJob(text))) return `/jobs/${id}`;
  return (await exists(retrieveCohort(text))) ? `/cohorts/${id}` : null;
}

export function Jump() {
  const [wrong, setWrong] = useState("");
  const field = useRef<HTMLInputElement>(null);
  useKeys([{ keys: ["/"], does: "Search an id", run: () => field.current?.focus() }]);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const text = field.current?.value.trim() ?? "";
    if (!text) return;
    try {
      const to = await addressOf(text);
      if (!to) {
        setWrong(`Nothing here has the id ${text}.`);
        return;
      }
      setWrong("");
      if (field.current) field.current.value = "";
      field.current?.blur();
      navigate(to);
    } catch (error) {
      setWrong(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <search>
      <form class="jump" onSubmit={submit}>
        <Icon name="search" size={14} />
        <input
          ref={field}
          class="input"
          type="search"
          placeholder="Jump to id"
          aria-label="Jump to the id of a patient, exam, image, job or cohort"
          aria-invalid={wrong !== ""}
          autocomplete="off"
          spellcheck={false}
          onInput={() => setWrong("")}
        />
        <kbd>/</kbd>
        {wrong && (
          <p class="jump-wrong" role="alert">
            {wrong}
          </p>
        )}
      </form>
    </search>
  );
}
