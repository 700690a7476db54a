import type { DeliveryLine, PeerRefLine } from "../api/lines.js";
import { UdpchatError, UNREACHABLE_REMEDY } from "../errors.js";
import { durationText } from "../messenger/waiting.js";
import { sanitiseName } from "../sanitise.js";

/** `not delivered to bob (10.77.0.2:22400) within 5 s`; `orElse`: a remedy beside the usual one. */
export function undelivered(
  { to }: Pick<DeliveryLine, "to">,
  timeoutMs: number,
  orElse?: string,
): UdpchatError {
  const message = `not delivered to ${whomText(to)} within ${durationText(timeoutMs)}`;
  const remedy = orElse === undefined ? UNREACHABLE_REMEDY : `${UNREACHABLE_REMEDY}, or ${orElse}`;
  return new UdpchatError("TIMEOUT", message, { remedy });
}

/** `bob (10.77.0.2:22400)`. */
export function whomText({ address, name, port }: PeerRefLine): string {
  const where = `${address}:${port}`;
  return name === "" ? where : `${sanitiseName(name)} (${where})`;
}
