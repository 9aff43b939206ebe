import type { Owner } from "../api/types";

export function ownerName(owner: Owner | string): string {
  return typeof owner === "string" ? owner : owner.name;
}
