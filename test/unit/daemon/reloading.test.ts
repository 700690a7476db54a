import { pino } from "pino";
import { beforeEach, expect, it } from "vitest";
import { type DaemonSettings, Reloading } from "../../../src/daemon/reloading.js";
import { UdpchatError } from "../../../src/errors.js";
import type { ChangeableOptions } from "../../../src/messenger/types.js";
import { textSink } from "../../support/textSink.js";

type Values = DaemonSettings["values"];

const AT_START: Values = { name: "alice", port: 1, interface: ["lo"] };

let values: Values;
/** Until then what was read is not handed over. */
let slow: Promise<void> | undefined;
let configured: ChangeableOptions[];
let refusal: UdpchatError | undefined;
let log: ReturnType<typeof textSink>;
let reloading: Reloading;
beforeEach(() => {
  values = AT_START;
  slow = undefined;
  configured = [];
  refusal = undefined;
  log = textSink();
  const apply = async ({ messengerOptions }: DaemonSettings) => {
    if (refusal !== undefined) throw refusal;
    configured.push(messengerOptions);
  };
  const read = async (): Promise<DaemonSettings> => {
    const found = values;
    await slow;
    return { values: found, messengerOptions: { name: String(found["name"]) } };
  };
  reloading = new Reloading(apply, { atStart: AT_START, read }, pino(log.stream));
});

it("tells what is another now, once", async () => {
  values = { name: "zoe", port: 1, interface: ["lo"], retention: 1 };
  const changed = ["name", "retention"];
  expect(await reloading.reload()).toEqual({ type: "reloaded", changed, restart: [] });
  expect(await reloading.reload()).toEqual({ type: "reloaded", changed: [], restart: [] });
  values = AT_START;
  expect((await reloading.reload()).changed.toSorted()).toEqual(changed);
  expect(configured.map(({ name }) => name)).toEqual(["zoe", "zoe", "alice"]);
});

it("names what needs a restart for as long as it does", async () => {
  values = { ...AT_START, port: 2, discoveryPort: 3, store: "memory" };
  const restart = ["port", "discoveryPort", "store"];
  for (let count = 0; count < 2; count += 1) {
    expect(await reloading.reload()).toEqual({ type: "reloaded", changed: [], restart });
  }
  values = AT_START;
  expect(await reloading.reload()).toEqual({ type: "reloaded", changed: [], restart: [] });
});

it("stays as it was where a setting is wrong, and says so in the log", async () => {
  values = { ...AT_START, name: "zoe" };
  refusal = new UdpchatError("INVALID_NAME", "too long");
  await expect(reloading.reload()).rejects.toBe(refusal);
  expect(log.text()).toContain('"code":"INVALID_NAME","reason":"too long"');
  refusal = undefined;
  expect(await reloading.reload()).toMatchObject({ changed: ["name"] });
});

it("ends with what is said last, however many ask at once", async () => {
  let release: () => void = () => undefined;
  slow = new Promise((resolve) => (release = resolve));
  const results = [reloading.reload()];
  // The first has read what was there before.
  await Promise.resolve();
  slow = undefined;
  values = { ...AT_START, name: "zoe" };
  results.push(reloading.reload());
  setImmediate(release);
  await Promise.all(results);
  expect(configured.at(-1)).toEqual({ name: "zoe" });
  expect(await reloading.reload()).toMatchObject({ changed: [] });
});
