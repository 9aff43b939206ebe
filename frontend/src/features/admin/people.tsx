import { useState } from "preact/hooks";
import {
  changePerson,
  confirmAgreement,
  createPasswordLink,
  createPerson,
  listAgreements,
  listPeople,
} from "../../api/people";
import { person as me } from "../../api/session";
import type { PasswordLink, PersonRecord, Role } from "../../api/types";
import { formatDate, formatWhen } from "../../lib/format";
import { Copyable } from "../../ui/copy";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";
import { TableScroll } from "../../ui/scroll";
import { SkeletonLines } from "../../ui/skeleton";

const ROLES: readonly Role[] = ["reader", "researcher", "admin"];
const asRole = (text: string): Role => ROLES.find((role) => role === text) ?? "reader";
const asError = (reason: unknown): Error =>
  reason instanceof Error ? reason : new Error(String(reason));

/** What somebody recorded about their registrations; confirming opens the dataset to them. */
function AgreementCell({ person }: { person: PersonRecord }) {
  const found = useResource(
    `agreements ${person.person_id}`,
    async (aborted) => (await listAgreements(person.person_id, aborted)).items,
  );
  if (found.error) return <span class="faint">{found.error.message}</span>;
  return (
    <ul>
      {(found.data ?? []).map((one) => {
        const confirmed = one.confirmed_at !== null;
        return (
          <li key={one.dataset} class="row" title={one.registration}>
            <span>
              {one.dataset}: <span class="faint">{one.registration}</span>
            </span>
            <button
              type="button"
              class={`button ${confirmed ? "quiet" : "primary"}`}
              onClick={() =>
                void confirmAgreement(person.person_id, one.dataset, !confirmed).finally(
                  found.reload,
                )
              }
            >
              {confirmed ? "Withdraw" : "Confirm"}
              <span class="visually-hidden">
                {" "}
                {one.dataset} of {person.name}
              </span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}

interface Invitation {
  readonly person: PersonRecord;
  readonly link: PasswordLink;
}

/** The link as it has to be sent: shown this once, kept nowhere. */
function LinkNote({ invitation, close }: { invitation: Invitation; close: () => void }) {
  const { person, link } = invitation;
  return (
    <div class="panel link-note" role="status">
      <p>
        Send this link to {person.name} ({person.email}). It sets a password once, until{" "}
        {formatDate(link.expires_at)}, and is shown only now.
      </p>
      <Copyable text={new URL(link.link, window.location.origin).href} label="the link" />
      <button type="button" class="button quiet" onClick={close}>
        Done
      </button>
    </div>
  );
}

function Row({
  person,
  change,
  invite,
}: {
  person: PersonRecord;
  change: (work: Promise<unknown>) => void;
  invite: (person: PersonRecord) => void;
}) {
  const own = person.person_id === me.value?.person_id;
  return (
    <tr class={person.disabled_at ? "disabled" : ""}>
      <td>
        {person.name}
        <br />
        <span class="faint">{person.email}</span>
      </td>
      <td>
        <select
          class="select"
          aria-label={`Role of ${person.name}`}
          value={person.role}
          disabled={own}
          onChange={(event) =>
            change(changePerson(person.person_id, { role: asRole(event.currentTarget.value) }))
          }
        >
          {ROLES.map((role) => (
            <option key={role} value={role}>
              {role}
            </option>
          ))}
        </select>
      </td>
      <td>
        <AgreementCell person={person} />
      </td>
      <td class="soft">{formatWhen(person.created_at)}</td>
      <td class="number">
        <a class="button quiet" href={`/admin/audit?_person=${person.person_id}`}>
          Audit <span class="visually-hidden">of {person.name}</span>
        </a>
        {!person.disabled_at && (
          <button type="button" class="button quiet" onClick={() => invite(person)}>
            Password link <span class="visually-hidden">for {person.name}</span>
          </button>
        )}
        <button
          type="button"
          class="button danger"
          disabled={own}
          onClick={() => change(changePerson(person.person_id, { disabled: !person.disabled_at }))}
        >
          {person.disabled_at ? "Enable" : "Disable"}
          <span class="visually-hidden"> {person.name}</span>
        </button>
      </td>
    </tr>
  );
}

function NewPersonForm({ onMade }: { onMade: (person: PersonRecord) => void }) {
  const [error, setError] = useState<Error | null>(null);
  const make = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.currentTarget;
    if (!(form instanceof HTMLFormElement)) return;
    const data = new FormData(form);
    const text = (name: string): string => String(data.get(name) ?? "").trim();
    setError(null);
    createPerson({
      email: text("email"),
      name: text("name"),
      role: asRole(text("role")),
    }).then(
      (person) => {
        form.reset();
        onMade(person);
      },
      (reason: unknown) => setError(asError(reason)),
    );
  };
  return (
    <details class="fold">
      <summary>Invite somebody</summary>
      <form class="new-person" onSubmit={make}>
        <label class="field">
          <span class="label">Name</span>
          <input class="input" name="name" required maxLength={200} autocomplete="off" />
        </label>
        <label class="field">
          <span class="label">Email</span>
          <input class="input" name="email" type="email" required autocomplete="off" />
        </label>
        <label class="field">
          <span class="label">Role</span>
          <select class="select" name="role">
            {ROLES.map((role) => (
              <option key={role} value={role}>
                {role}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" class="button primary">
          Invite
        </button>
        {error && <ProblemNote error={error} />}
      </form>
    </details>
  );
}

export function People() {
  const people = useResource("people", listPeople);
  const [error, setError] = useState<Error | null>(null);
  const [invitation, setInvitation] = useState<Invitation | null>(null);
  const invite = (person: PersonRecord): void => {
    setError(null);
    createPasswordLink(person.person_id).then(
      (link) => setInvitation({ person, link }),
      (reason: unknown) => setError(asError(reason)),
    );
  };
  const change = (work: Promise<unknown>): void => {
    setError(null);
    work.then(people.reload, (reason: unknown) => setError(asError(reason)));
  };
  const problem = error ?? people.error;
  return (
    <>
      <NewPersonForm
        onMade={(made) => {
          people.reload();
          invite(made);
        }}
      />
      {invitation && <LinkNote invitation={invitation} close={() => setInvitation(null)} />}
      {problem && <ProblemNote error={problem} retry={people.reload} />}
      {!people.data && people.slow && <SkeletonLines lines={[100, 100, 100]} />}
      {people.data && (
        <TableScroll panel label="People">
          <table class="table rows">
            <thead>
              <tr>
                <th scope="col">Person</th>
                <th scope="col">Role</th>
                <th scope="col">Agreements</th>
                <th scope="col">Since</th>
                <th scope="col">
                  <span class="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {people.data.map((one) => (
                <Row key={one.person_id} person={one} change={change} invite={invite} />
              ))}
            </tbody>
          </table>
        </TableScroll>
      )}
    </>
  );
}
