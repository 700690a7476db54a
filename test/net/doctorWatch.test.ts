/** What a watch goes on after, and what ends it. */
import { randomInt } from "node:crypto";
import process from "node:process";
import { expect, it } from "vitest";
import type { ExaminationLine } from "../../src/api/lines.js";
import type { Api } from "../../src/api/operations.js";
import { Service } from "../../src/api/service.js";
import { Doctor } from "../../src/doctor/doctor.js";
import { UdpchatError } from "../../src/errors.js";
import { Messenger } from "../../src/index.js";

it.runIf(process.platform === "linux")(
  "passes over a round that failed, and returns when it is ended within one",
  async () => {
    const messenger = await Messenger.open({
      ephemeral: true,
      port: 0,
      discoveryPort: randomInt(30_000, 60_000),
      interfaces: ["lo"],
    });
    const service = new Service(messenger);
    const ending = new AbortController();
    let rounds = 0;
    const api: Api = {
      call: (name, input, options) => {
        if (name !== "examine") return service.call(name, input, options);
        rounds += 1;
        if (rounds === 1) return Promise.reject(new UdpchatError("LIMIT_REACHED", "too many"));
        const examined = service.call(name, input, options);
        ending.abort();
        return examined;
      },
      stream: (name, input, options) => service.stream(name, input, options),
      close: () => service.close(),
    };
    const doctor = await Doctor.open({
      api,
      runsDaemon: false,
      wantedPort: 0,
      platform: process.platform,
      run: async () => ({ ok: false, why: "missing" }),
      program: process.execPath,
      signal: ending.signal,
      remark: async () => undefined,
    });
    try {
      // Nobody listens on the discard port.
      const peer = { id: null, name: "bob", address: "127.0.0.1", port: 9, trust: null };
      const first: ExaminationLine = {
        type: "examination",
        peer,
        result: "examined",
        rttMs: 1,
        clockAheadMs: 0,
        ways: [],
      };
      await doctor.watch([first], 60_000, async () => undefined);
      expect(rounds).toBe(2);
    } finally {
      await doctor.close();
      await service.close();
      await messenger.close();
    }
  },
);
