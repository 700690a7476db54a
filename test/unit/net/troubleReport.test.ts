import { describe, expect, it } from "vitest";
import { TroubleReport } from "../../../src/net/troubleReport.js";

describe("TroubleReport", () => {
  function reportWithClock() {
    const clock = { nowMs: 0 };
    const told: string[] = [];
    const report = new TroubleReport(
      ({ where, code }) => told.push(`${where} ${code}`),
      () => clock.nowMs,
    );
    return { clock, told, report };
  }

  it("tells the same thing once a minute", () => {
    const { clock, told, report } = reportWithClock();
    report.tell("data", "EPERM");
    clock.nowMs = 59_999;
    report.tell("data", "EPERM");
    expect(told).toEqual(["data EPERM"]);
    clock.nowMs = 60_000;
    report.tell("data", "EPERM");
    clock.nowMs = 60_001;
    report.tell("data", "EPERM");
    expect(told).toEqual(["data EPERM", "data EPERM"]);
  });

  it("tells other places and other codes apart", () => {
    const { told, report } = reportWithClock();
    report.tell("data", "EPERM");
    report.tell("send", "EPERM");
    report.tell("data", "ENOBUFS");
    expect(told).toEqual(["data EPERM", "send EPERM", "data ENOBUFS"]);
  });

  it("forgets the oldest of more than 256 things", () => {
    const { told, report } = reportWithClock();
    for (let index = 0; index <= 256; index += 1) report.tell("data", `E${index}`);
    report.tell("data", "E256");
    expect(told).toHaveLength(257);
    report.tell("data", "E0");
    expect(told).toHaveLength(258);
  });
});
