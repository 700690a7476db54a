import { UdpchatError } from "../errors.js";
import type { LanOptions } from "./lan.js";
import type { Traffic } from "./traffic.js";
import { openUdpSocket, type UdpSocket, WILDCARD_ADDRESS } from "./udpSocket.js";

/** The Linux default holds only 92 datagrams of 1200 bytes. */
const RECEIVE_BUFFER_BYTES = 1024 * 1024;

/**
 * The two sockets that every node has. Of two sockets that share a port, both get a broadcast but
 * only one gets unicast: so the shared discovery port and the data port are two.
 */
export interface NodeSockets {
  /** Held by this node alone; all unicast goes here. */
  readonly data: UdpSocket;
  /** True if the wanted data port was taken, and `data` is on another. */
  readonly dataPortTaken: boolean;
  /** Shared with the other nodes of this host; broadcast and multicast arrive here. */
  readonly discovery: UdpSocket;
}

/** The receive buffer to ask for. */
export function wantedBufferBytes(options: LanOptions): number {
  return options.receiveBufferBytes ?? RECEIVE_BUFFER_BYTES;
}

/** @throws UdpchatError INVALID_PORT, PORT_IN_USE, NETWORK_UNAVAILABLE; see `openLan`. */
export async function openNodeSockets(options: LanOptions, traffic: Traffic): Promise<NodeSockets> {
  const { dataPort, discoveryPort } = options;
  if (dataPort === discoveryPort && dataPort !== 0) {
    throw new UdpchatError("INVALID_PORT", `port ${dataPort} cannot be used for both`, {
      remedy: "give --port and --discovery-port different numbers",
    });
  }
  // Discovery first: with "any port" for data, the kernel must not pick the discovery port.
  const discovery = await openDiscovery(options, traffic);
  try {
    return { discovery, ...(await openData(options, traffic)) };
  } catch (error) {
    await discovery.close();
    throw error;
  }
}

async function openDiscovery(options: LanOptions, traffic: Traffic): Promise<UdpSocket> {
  const { discoveryPort } = options;
  try {
    return await openUdpSocket(
      {
        address: WILDCARD_ADDRESS,
        port: discoveryPort,
        reuseAddr: true,
        receiveBufferBytes: wantedBufferBytes(options),
      },
      traffic.socketHandlers("discovery", "discovery"),
    );
  } catch (error) {
    if (!isPortInUse(error)) throw error;
    const message = `the discovery port ${discoveryPort} is held by a program that does not share`;
    throw new UdpchatError("PORT_IN_USE", message, {
      cause: error,
      remedy: "stop that program, or give everyone another port with --discovery-port",
    });
  }
}

async function openData(
  options: LanOptions,
  traffic: Traffic,
): Promise<Pick<NodeSockets, "data" | "dataPortTaken">> {
  const wanted = {
    address: WILDCARD_ADDRESS,
    port: options.dataPort,
    receiveBufferBytes: wantedBufferBytes(options),
  };
  const handlers = traffic.socketHandlers("data", "data");
  try {
    return { data: await openUdpSocket(wanted, handlers), dataPortTaken: false };
  } catch (error) {
    if (!isPortInUse(error)) throw error;
    return { data: await openUdpSocket({ ...wanted, port: 0 }, handlers), dataPortTaken: true };
  }
}

function isPortInUse(error: unknown): boolean {
  return error instanceof UdpchatError && error.code === "PORT_IN_USE";
}
