import { query, setParameters } from "../../lib/url";
import { GROUPS, type Group, group } from "./state";

const ORDERS: readonly { value: string; name: string }[] = [
  { value: "", name: "As ingested" },
  { value: "-study_date_anon", name: "Newest exam first" },
  { value: "study_date_anon", name: "Oldest exam first" },
  { value: "age_at_study", name: "Youngest first" },
  { value: "-age_at_study", name: "Oldest patient first" },
  { value: "-tissueden", name: "Densest first" },
  { value: "-num_roi", name: "Most ROIs first" },
  { value: "Manufacturer", name: "By vendor" },
];

const NAMES: Readonly<Record<Group, string>> = {
  image: "each image",
  exam: "by exam",
  patient: "by patient",
};
/** What brings the images of a group together. */
const TOGETHER: Readonly<Record<Group, string | null>> = {
  image: null,
  exam: "acc_anon",
  patient: "empi_anon",
};

/** Order and grouping; a group needs its images together, so it brings its own order. */
export function Arrange() {
  const sorted = query.value.get("sort") ?? "";
  return (
    <>
      <select
        class="select arrange"
        aria-label="Group by"
        value={group.value}
        onChange={(event) => {
          const chosen = GROUPS.find((one) => one === event.currentTarget.value) ?? "image";
          const grouped = chosen === "image" ? null : chosen;
          setParameters({ _group: grouped, sort: TOGETHER[chosen] });
        }}
      >
        {GROUPS.map((one) => (
          <option key={one} value={one}>
            {NAMES[one]}
          </option>
        ))}
      </select>
      {group.value === "image" && (
        <select
          class="select arrange"
          aria-label="Order"
          value={sorted}
          onChange={(event) => setParameters({ sort: event.currentTarget.value || null })}
        >
          {!ORDERS.some((order) => order.value === sorted) && (
            <option value={sorted}>by {sorted}</option>
          )}
          {ORDERS.map((order) => (
            <option key={order.value} value={order.value}>
              {order.name}
            </option>
          ))}
        </select>
      )}
    </>
  );
}
