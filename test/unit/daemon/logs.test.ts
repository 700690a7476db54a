/** Logs hold neither what was said nor anything that opens what was sealed. */

import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { EventLineSchema } from "../../../src/api/lines.js";
import { failureRecord } from "../../../src/daemon/logRecord.js";
import { logEvent, logInterfaces, openLog } from "../../../src/daemon/logs.js";
import { toUdpchatError, UdpchatError } from "../../../src/errors.js";
import fc from "../../support/fastCheck.js";
import { hostileValue, lineSchemas } from "../../support/hostileLines.js";
import { codesOf, isHostile } from "../../support/hostileText.js";
import { textSink } from "../../support/textSink.js";

const TEXT = "MARKER-TEXT-1f2e";
const PASSPHRASE = "MARKER-PASSPHRASE-3d4c";
const SECRET_KEY = "5ec7e7".repeat(11).slice(0, 64);
const MARKERS = [TEXT, PASSPHRASE, SECRET_KEY, Buffer.from(SECRET_KEY, "hex").toString("base64")];

const formats = [{ pretty: false }, { pretty: true }];
const levels = ["debug", "info", "warn", "error"] as const;

async function logOf(pretty: boolean, level: (typeof levels)[number] = "debug") {
  const sink = textSink();
  const { logger } = await openLog({ destination: sink.stream, pretty, level });
  return { logger, text: sink.text };
}

function expectNoSecrets(text: string): void {
  for (const marker of MARKERS) expect(text).not.toContain(marker);
}

/** Our colours, newlines and tabs do not count. */
function rawControls(text: string): number[] {
  // oxlint-disable-next-line no-control-regex -- that is what is looked for
  const plain = text.replace(/\u001b\[\d{1,2}m/g, "");
  return codesOf(plain).filter((code) => isHostile(code) && code !== 0x0a && code !== 0x09);
}

/** Every event whose schema is a line's, with the marker as what was said. */
const eventTypes = [...lineSchemas].filter(([, schema]) =>
  EventLineSchema.options.some((option) => option === schema),
);

describe.each(formats)("a log with %j", ({ pretty }) => {
  it.each(eventTypes)("tells of %s events without what was said", async (type, schema) => {
    const { logger, text } = await logOf(pretty);
    await fc.assert(
      fc.asyncProperty(hostileValue(schema), async (value) => {
        const line = v.parse(EventLineSchema, value);
        logEvent(logger, line.type === "message" ? { ...line, text: `${TEXT}${line.text}` } : line);
      }),
      { numRuns: 40 },
    );
    if (type === "message" || type === "warning") expect(text()).not.toBe("");
    expectNoSecrets(text());
    expect(rawControls(text())).toEqual([]);
  });

  it.each(levels)(
    "shows at level %s nothing that is secret, whoever hands it over",
    async (level) => {
      const { logger, text } = await logOf(pretty, level);
      const handedOver = {
        text: TEXT,
        passphrase: PASSPHRASE,
        group: { label: "#ops", key: SECRET_KEY, keys: [SECRET_KEY], passphrase: PASSPHRASE },
        identity: { seed: SECRET_KEY, agreement: { secretKey: Buffer.from(SECRET_KEY, "hex") } },
        bytes: Buffer.from(SECRET_KEY, "hex"),
        deep: { a: { b: { c: { d: { text: TEXT } } } } },
      };
      logger[level](handedOver, "handed over");
      logger.fatal(handedOver, "handed over");
      expect(text()).toContain("#ops");
      expect(text()).toContain("withheld");
      expectNoSecrets(text());
    },
  );

  it("tells where an error was thrown, and not what it was about", async () => {
    const { logger, text } = await logOf(pretty);
    for (const error of troubles()) {
      logger.error({ err: error }, "internal error");
      logger.error({ err: toUdpchatError(error) }, "internal error");
      logger.fatal({ err: new UdpchatError("INTERNAL", TEXT, { cause: error }) }, "crashed");
      logger.error({ err: error, part: "api" }, "did not close");
      logger.error(failureRecord(error), "could not start");
    }
    expectNoSecrets(text());
    expect(text()).toContain("SyntaxError");
    expect(text()).toContain("ERR_INVALID_ARG_TYPE");
    expect(text()).toContain("logs.test.ts");
  });

  it("keeps our own sentences, and system errors by their code", async () => {
    const { logger, text } = await logOf(pretty);
    const cause = Object.assign(new Error(TEXT), { code: "EADDRINUSE", syscall: "bind" });
    logger.error({ err: new UdpchatError("PORT_IN_USE", "the port is taken", { cause }) }, "no");
    logger.error(failureRecord(new UdpchatError("INVALID_NAME", "too long")), "could not start");
    for (const part of [
      "too long",
      "INVALID_NAME",
      "the port is taken",
      "PORT_IN_USE",
      "EADDRINUSE",
      "bind",
    ]) {
      expect(text()).toContain(part);
    }
    expectNoSecrets(text());
  });

  it("holds names and warnings sanitised, each record on its own line", async () => {
    const { logger, text } = await logOf(pretty);
    const hostile = 'x\u001b[2J\u009b1m\u202e\n{"level":60,"msg":"forged"}\r\nFATAL: forged';
    const peer = { id: hostile, name: hostile, address: hostile, port: 1 };
    const [sample] = fc.sample(hostileValue(EventLineSchema.options[5]), 1);
    const warning = v.parse(EventLineSchema, sample);
    if (warning.type !== "warning") throw new Error(`no warning but ${warning.type}`);
    const peerRef = warning.peer === null ? null : { ...warning.peer, ...peer };
    logEvent(logger, { ...warning, code: hostile, message: hostile, peer: peerRef });
    logInterfaces(logger, [{ name: hostile, address: "10.0.0.1" }]);
    logger.info({ [hostile]: 1 }, hostile);
    expect(rawControls(text())).toEqual([]);
    for (const line of text().trimEnd().split("\n"))
      expect(line).not.toMatch(/^(?:\{"level":60|FATAL)/);
  });
});

/** What Node and V8 throw when they are given what must not be told. */
function troubles(): unknown[] {
  const thrownBy = (run: () => unknown): unknown => {
    try {
      run();
      return undefined;
    } catch (error) {
      return error;
    }
  };
  return [
    thrownBy(() => JSON.parse(TEXT)),
    thrownBy(() => JSON.parse(`{"text":"${TEXT}" x}`)),
    thrownBy(() => BigInt(TEXT)),
    thrownBy(() => new URL(TEXT)),
    thrownBy(() => Reflect.apply(setTimeout, undefined, [TEXT])),
    Object.assign(new Error(`${TEXT}\n    at ${TEXT} (x.ts:1:1)`), {
      input: PASSPHRASE,
      key: Buffer.from(SECRET_KEY, "hex"),
      cause: new AggregateError([new Error(PASSPHRASE)], TEXT),
    }),
    new Error("outer", { cause: new Error(PASSPHRASE, { cause: { text: TEXT } }) }),
    TEXT,
  ];
}
