import { useEffect } from "preact/hooks";
import { retrieveMe } from "../../api/people";
import { ProblemNote } from "../../ui/problem";
import { useResource } from "../../ui/resource";
import { SkeletonLines } from "../../ui/skeleton";
import { Agreements } from "./agreements";
import { Password } from "./password";
import { Tokens } from "./tokens";
import "./person.css";

/** Who one is here, which datasets one may see, and keys for one's own programs. */
export function AccountPage() {
  const me = useResource("me", retrieveMe);
  useEffect(() => {
    document.title = "Account · EMBED Lab";
  }, []);
  return (
    <div class="page">
      <div class="inner">
        <header class="page-head">
          <h1>Account</h1>
          {me.data && (
            <p class="lead">
              {me.data.person.name}, {me.data.person.email}, {me.data.person.role}
            </p>
          )}
        </header>
        {me.error && <ProblemNote error={me.error} retry={me.reload} />}
        {!me.data && me.slow && <SkeletonLines lines={[40, 90, 70]} />}
        {me.data && <Agreements own={me.data.agreements} onRecorded={me.reload} />}
        <Tokens />
        <Password />
      </div>
    </div>
  );
}
