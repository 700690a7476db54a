/**
 * Loaded into one daemon by `--leak KIND`, to show that the run finds it: what a program with a
 * leak does with each datagram that arrives.
 */
import { Socket } from "node:dgram";
import { EventEmitter } from "node:events";
import { openSync } from "node:fs";
import process from "node:process";

const NEVER_MS = 2 ** 31 - 1;
const DATAGRAMS_PER_TIMER = 10;
const DATAGRAMS_PER_DESCRIPTOR = 50;

const kept = new Map();
let count = 0;

const LEAKS = {
  heap: (bytes) => kept.set(count, new Uint8Array(bytes)),
  timers: () => {
    if (count % DATAGRAMS_PER_TIMER === 0) setTimeout(() => undefined, NEVER_MS);
  },
  descriptors: () => {
    if (count % DATAGRAMS_PER_DESCRIPTOR === 0) openSync("/dev/null");
  },
};

const leak = LEAKS[process.env.SOAK_LEAK];
const descriptor = Object.getOwnPropertyDescriptor(EventEmitter.prototype, "emit");
Socket.prototype.emit = function (event, ...values) {
  if (event === "message") {
    count += 1;
    leak(values[0]);
  }
  return descriptor.value.call(this, event, ...values);
};
