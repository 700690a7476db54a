import { expect, it } from "vitest";
import {
  parseLsof,
  parseOwnersWindows,
  parseProcNetUdp,
  portOwners,
} from "../../../../src/doctor/system/portOwners.js";

it("reads the table of proc(5)", () => {
  const table = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  466: 00000000:5780 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 73214 2 0000000000000000 0
 2112: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 512 2 0000000000000000 0
 broken line
`;
  expect(parseProcNetUdp(table)).toEqual([
    { port: 22_400, inode: "73214", uid: 1000 },
    { port: 53, inode: "512", uid: 101 },
  ]);
});

it("reads of the table for IPv6 what keeps ports of IPv4", () => {
  const row = (address: string, inode: number) =>
    ` 10: ${address}:5781 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 ${inode} 2 0000000000000000 0\n`;
  const table = [
    row("00000000000000000000000000000000", 1),
    row("0000000000000000FFFF00000100007F", 2),
    row("00000000000000000000000001000000", 3),
  ].join("");
  expect(parseProcNetUdp(table).map(({ port, inode }) => [port, inode])).toEqual([
    [22_401, "1"],
    [22_401, "2"],
  ]);
});

it("reads lsof -Fpc, whose fields are a line each (lsof(8))", () => {
  expect(parseLsof("p812\ncmDNSResponder\nf10\np90\ncnode\n")).toEqual([
    { pid: 812, program: "mDNSResponder" },
    { pid: 90, program: "node" },
  ]);
  expect(parseLsof("")).toEqual([]);
});

it("reads what PowerShell was told to say", () => {
  expect(parseOwnersWindows("4312 node\r\n4 System\r\n\r\n")).toEqual([
    { pid: 4312, program: "node" },
    { pid: 4, program: "System" },
  ]);
});

it("asks each platform its own way, and knows nobody where nobody answers", async () => {
  const asked: string[] = [];
  const run = async (file: string, args: readonly string[]) => {
    asked.push([file, ...args].join(" "));
    return { ok: false, why: "missing" } as const;
  };
  expect(await portOwners(22_400, "darwin", run)).toEqual([]);
  expect(await portOwners(22_400, "win32", run)).toEqual([]);
  expect(asked[0]).toBe("lsof -nP -iUDP:22400 -Fpc");
  expect(asked[1]).toContain("Get-NetUDPEndpoint -LocalPort 22400");
});
