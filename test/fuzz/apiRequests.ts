/** Requests to the local API: right ones of every operation, and damage to them. */
import { isOperationName, OPERATIONS, type OperationName } from "../../src/api/operations.js";
import { wellFormed } from "../../src/store/search.js";
import type { SeededRandom } from "../support/seededRandom.js";
import { damagedJson, hostileText } from "./hostileDraws.js";
import { below, chance, pick } from "./mutate.js";

/** A request before it is written. */
export interface DrawnRequest {
  readonly method: string;
  readonly path: string;
  /** `name: value` */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
}

const TARGETS = [
  "bob",
  "10.0.0.2",
  "10.0.0.2:22400",
  "host.test",
  "nobody.test",
  "eve",
  "10.0.0.99:9",
  "alice",
];
const GROUPS = ["#ops", "224.0.1.100", "239.1.2.3:8000", "#secret", "#", "#a-b", "#Ops "];
const TEXTS = ["hi", "午饭", "x".repeat(3000), "", "hi \u202e", "\u0000", "\ud800"];
const IDS = ["mine", "0000", "ffff", "5a5a5a5a"];
const TIMEOUTS = [1, 100, 5000, 86_400_000];
/** A passphrase takes 100 ms and 64 MiB. */
const PASSPHRASE_PROBABILITY = 0.004;

/** What the operation takes, so that it does something. */
function rightInput(random: SeededRandom, name: OperationName): Record<string, unknown> {
  const target = pick(random, TARGETS);
  const group = pick(random, GROUPS);
  const text = pick(random, TEXTS);
  const timeoutMs = pick(random, TIMEOUTS);
  const maybe = (fields: Record<string, unknown>): Record<string, unknown> =>
    chance(random, 0.5) ? fields : {};
  switch (name) {
    case "discover":
      return maybe({ timeoutMs });
    case "send":
      return {
        ...{ target, text, timeoutMs, ...maybe({ queue: chance(random, 0.5) }) },
        ...maybe({ ttlMs: pick(random, TIMEOUTS) }),
        ...maybe({ id: pick(random, IDS) }),
        ...maybe({ requireVerified: chance(random, 0.5) }),
      };
    case "ask":
      return { target, text, timeoutMs };
    case "history":
    case "export":
      return {
        ...maybe({ query: hostileText(random).slice(0, 1024) }),
        ...maybe({ peer: target }),
        ...maybe({ group }),
        ...maybe({ since: "2025-01-02T03:04:05Z" }),
        ...(name === "history" ? maybe({ limit: 1 + below(random, 10_000) }) : {}),
      };
    case "dropQueued":
      return { id: pick(random, IDS) };
    case "read":
      return { ids: [pick(random, IDS), hostileText(random)] };
    case "verificationCode":
    case "block":
    case "unblock":
      return { target };
    case "verify":
      return { target, ...maybe({ code: "12345 67890 12345 67890 12345" }) };
    case "join":
    case "chat":
      return {
        group,
        ...(chance(random, PASSPHRASE_PROBABILITY) ? { secret: true, passphrase: text } : {}),
        ...maybe({ secret: false }),
      };
    case "leave":
      return { group };
    case "invite":
      return { target, group, timeoutMs };
    case "remove":
      return { target, group };
    case "say":
      return { group, text, ...maybe({ temporary: chance(random, 0.5) }) };
    case "answer":
      return { id: pick(random, IDS), ...(chance(random, 0.5) ? { text } : { error: text }) };
    case "requests":
      return maybe({ requireVerified: chance(random, 0.5) });
    default:
      return {};
  }
}

const METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "get", "XX"];
const PATHS = [
  "/",
  "",
  "/v1",
  "/v1/",
  "/v2/status",
  "/v1/status/",
  "//v1/status",
  "/v1/../v1/status",
  "/v1/%73tatus",
  "/v1/outbox/drop/x",
  "*",
];
const EVENT_IDS = [
  ...[
    "0",
    "-1",
    "0000aaaa-",
    "0000aaaa-0",
    "0000aaaa-1",
    "0000aaaa-3",
    "0000aaaa--1",
    "0000aaaa-1e9",
  ],
  ...[
    "0000aaaa-999999999999999",
    "0000aaaa-9999999999999999999",
    "bbbb-1",
    "NaN",
    "x".repeat(4000),
  ],
];

/** One of any operation: half of them right, the others damaged in one way or several. */
export function drawRequest(random: SeededRandom): DrawnRequest {
  const name = pick(random, Object.keys(OPERATIONS).filter(isOperationName));
  const { method, path } = OPERATIONS[name];
  const input = rightInput(random, name);
  const body = method === "GET" ? new Uint8Array() : damagedJson(random, input);
  const headers = [
    ...(chance(random, 0.8) ? ["content-type: application/json"] : []),
    ...(chance(random, 0.3) ? [oddHeader(random)] : []),
    ...(name === "events" && chance(random, 0.7)
      ? [`last-event-id: ${pick(random, EVENT_IDS)}`]
      : []),
  ];
  return {
    method: chance(random, 0.95) ? method : pick(random, METHODS),
    path: oddPath(random, path),
    headers,
    body,
  };
}

function oddPath(random: SeededRandom, path: string): string {
  const kind = random.uniform();
  if (kind < 0.94) return path;
  if (kind < 0.96) return pick(random, PATHS);
  if (kind < 0.98) return `${path}?${encodeURI(wellFormed(hostileText(random)))}`;
  return `/v1/${encodeURIComponent(wellFormed(hostileText(random)))}`;
}

function oddHeader(random: SeededRandom): string {
  return pick(random, [
    "origin: http://example.org",
    "sec-fetch-site: none",
    "host: example.org",
    "host: ",
    "host: 1.2.3.4:5:6",
    "content-encoding: gzip",
    "content-type: text/plain; charset=utf-16",
    "content-type: multipart/form-data",
    "content-length: 0",
    "content-length: 99999999999",
    "content-length: -1",
    "transfer-encoding: chunked",
    "expect: 100-continue",
    "accept-encoding: *",
    "x-http-method-override: DELETE",
    "range: bytes=0-1",
    "connection: upgrade",
    "upgrade: websocket",
    `x-${"a".repeat(50)}: ${"y".repeat(5000)}`,
    `x-odd: ${hostileText(random).slice(0, 200)}`,
  ]);
}
