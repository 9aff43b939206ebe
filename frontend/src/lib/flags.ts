/** What people say is wrong with an image, in words. */
import type { FlagKind } from "../api/types";

export const FLAG_WORDS: Readonly<Record<FlagKind, string>> = {
  unreadable: "Unreadable",
  wrong_side: "Wrong side",
  wrong_roi: "Wrong ROI",
  note: "A note",
};
