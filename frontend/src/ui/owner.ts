import { person } from "../api/session";
import type { Owner } from "../api/types";

export function ownerName(owner: Owner | string): string {
  const id = typeof owner === "string" ? owner : owner.person_id;
  if (id === person.value?.person_id) return "you";
  return typeof owner === "string" ? owner : owner.name;
}
