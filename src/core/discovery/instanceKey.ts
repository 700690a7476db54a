import type { Instance } from "../../wire/presence.js";

/** One start of one device as the key of a Map. */
export function instanceKey({ device, incarnation }: Instance): string {
  return `${device}/${incarnation}`;
}
