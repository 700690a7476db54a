import type { BrokerProgram } from "./broker.js";

/** Who takes part: the names are those of `contenders/participant.ts`. */
export interface Entrant {
  readonly name: string;
  readonly label: string;
  /** What it says to do with what was handed to it. */
  readonly promise: "nothing" | "all of it, in order";
  /** A process of ours between the members of a group. */
  readonly hasRelay: boolean;
  readonly broker?: BrokerProgram;
}

const NATS: BrokerProgram = {
  command: "nats-server",
  debianPackage: "nats-server",
  // A subscriber that falls behind is dropped beyond max_pending; the default is 64 MB.
  configuration: ({ address, port }) =>
    `host: "${address}"\nport: ${port}\nmax_pending: 512MB\nwrite_deadline: "20s"\n`,
  arguments: (file) => ["-c", file],
};

const MOSQUITTO: BrokerProgram = {
  command: "mosquitto",
  debianPackage: "mosquitto",
  configuration: ({ address, port }) =>
    [
      `listener ${port} ${address}`,
      "allow_anonymous true",
      "persistence false",
      // No limit: a subscriber that falls behind loses nothing.
      "max_queued_messages 0",
      "set_tcp_nodelay true",
      "user root",
      "log_dest stderr",
      "log_type error",
      "",
    ].join("\n"),
  arguments: (file) => ["-c", file],
};

const KEEPS_ALL = { promise: "all of it, in order", hasRelay: false } as const;

/** The first is what the others are compared with. */
export const ENTRANTS: readonly Entrant[] = [
  { name: "dgram", label: "raw node:dgram", promise: "nothing", hasRelay: false },
  { name: "tcp", label: "TCP, JSON lines", ...KEEPS_ALL, hasRelay: true },
  { name: "ws", label: "ws", ...KEEPS_ALL, hasRelay: true },
  { name: "nats", label: "NATS", ...KEEPS_ALL, broker: NATS },
  { name: "zeromq", label: "ZeroMQ", ...KEEPS_ALL },
  { name: "mqtt", label: "MQTT, QoS 0", ...KEEPS_ALL, broker: MOSQUITTO },
  { name: "udpchat", label: "udpchat", ...KEEPS_ALL },
  { name: "udpchat-disk", label: "udpchat, on disk", ...KEEPS_ALL },
];
