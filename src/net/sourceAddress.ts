import { createSocket } from "node:dgram";
import { errnoOf } from "../errors.js";

/** Any port: nothing is sent to it. */
const DISCARD_PORT = 9;

/** The address that the kernel would send from, or the errno of why it would not send. */
export type SourceAddress =
  | { readonly address: string; readonly errno?: undefined }
  | { readonly address?: undefined; readonly errno: string };

/**
 * Which of our addresses datagrams to `to`, an IPv4 literal, leave from: so which interface the
 * routes choose, on every platform. Connecting a UDP socket sends nothing.
 */
export function sourceAddressTo(to: string): Promise<SourceAddress> {
  const socket = createSocket("udp4");
  return new Promise<SourceAddress>((resolve) => {
    const failed = (error: unknown): void => resolve({ errno: errnoOf(error) ?? "UNKNOWN" });
    socket.once("error", failed);
    try {
      socket.connect(DISCARD_PORT, to, () => resolve({ address: socket.address().address }));
    } catch (error) {
      failed(error);
    }
  }).finally(() => socket.close());
}
