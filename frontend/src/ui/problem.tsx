import type { ComponentChildren } from "preact";
import { ApiError, UnreachableError } from "../api/client";

interface Explained {
  readonly title: string;
  readonly advice: string;
}

/** What it means for one's work and what to do about it, by the kind of failure. */
function explain(error: Error): Explained {
  if (error instanceof UnreachableError) {
    return {
      title: "The server does not answer",
      advice:
        "Nothing you set is lost: it stands in the address. The page tries again by itself when the server is back.",
    };
  }
  if (!(error instanceof ApiError)) {
    return {
      title: "This page stumbled",
      advice: "Reload it; the address holds what you were looking at.",
    };
  }
  if (error.status === 403) {
    return {
      title: error.title,
      advice: "Your account may not see this. An administrator can change that.",
    };
  }
  if (error.status === 404) {
    return {
      title: error.title,
      advice: "It may have been removed, or the link was cut. Go back and pick it again.",
    };
  }
  if (error.status === 422)
    return { title: error.title, advice: "Change the marked part and it will go on." };
  if (error.status === 503)
    return { title: error.title, advice: "The server is busy or starting. Try again in a moment." };
  return {
    title: error.title,
    advice: "Nothing was changed. Try again; if it stays, tell us the request below.",
  };
}

export function ProblemNote({
  error,
  retry,
  children,
}: {
  error: Error;
  retry?: () => void;
  children?: ComponentChildren;
}) {
  const { title, advice } = explain(error);
  const fields = error instanceof ApiError ? error.errors : [];
  const saysField = fields.some((field) => error.message.includes(field.message));
  const requestId = error instanceof ApiError ? error.requestId : null;
  return (
    <div class="note error" role="alert">
      <h2>{title}</h2>
      {error.message !== title && !saysField && <p>{error.message}</p>}
      {fields.map((field) => (
        <p key={field.field}>
          <span class="mono">{field.field}</span>: {field.message}
          {field.accepted?.length ? ` Accepted: ${field.accepted.slice(0, 6).join(", ")}.` : ""}
        </p>
      ))}
      <p class="soft">{advice}</p>
      <div class="row wrap">
        {retry && (
          <button type="button" class="button" onClick={retry}>
            Try again
          </button>
        )}
        {children}
      </div>
      {requestId && <p class="request">Request {requestId}</p>}
    </div>
  );
}
