import { networkInterfaces } from "node:os";
import { describe, expect, it } from "vitest";
import {
  broadcastOf,
  type InterfaceTable,
  interfacesOf,
  OnLinkTest,
  prefixOf,
  sameInterfaces,
} from "../../../src/net/interfaces.js";

type Row = NonNullable<InterfaceTable[string]>[number];

function row(address: string, netmask: string, internal = false): Row {
  return { family: "IPv4", address, netmask, internal, mac: "02:00:00:00:00:01", cidr: null };
}

const IPV6: Row = {
  family: "IPv6",
  address: "fe80::1",
  netmask: "ffff:ffff:ffff:ffff::",
  internal: false,
  mac: "02:00:00:00:00:01",
  cidr: "fe80::1/64",
  scopeid: 2,
};

describe("interfacesOf", () => {
  const table: InterfaceTable = {
    wlan0: [IPV6, row("192.168.5.130", "255.255.255.128"), row("10.1.2.3", "255.255.0.0")],
    lo: [row("127.0.0.1", "255.0.0.0", true)],
    tun0: [row("10.8.0.2", "255.255.255.255")],
    down0: undefined,
  };

  it("lists IPv4 addresses by name and address, with their broadcast addresses", () => {
    expect(interfacesOf(table, undefined)).toEqual([
      {
        name: "lo",
        address: "127.0.0.1",
        netmask: "255.0.0.0",
        broadcast: "127.255.255.255",
        loopback: true,
      },
      {
        name: "tun0",
        address: "10.8.0.2",
        netmask: "255.255.255.255",
        broadcast: undefined,
        loopback: false,
      },
      {
        name: "wlan0",
        address: "10.1.2.3",
        netmask: "255.255.0.0",
        broadcast: "10.1.255.255",
        loopback: false,
      },
      {
        name: "wlan0",
        address: "192.168.5.130",
        netmask: "255.255.255.128",
        broadcast: "192.168.5.255",
        loopback: false,
      },
    ]);
  });

  it("keeps to the interfaces that are named, and leaves loopback out then", () => {
    const names = (wanted: readonly string[]): string[] =>
      interfacesOf(table, wanted).map(({ name }) => name);
    expect(names(["tun0"])).toEqual(["tun0"]);
    expect(names(["eth7"])).toEqual([]);
    expect(names([])).toHaveLength(4);
  });

  it("leaves out what is no IPv4 address with a netmask", () => {
    const broken = { eth0: [row("10.0.0", "255.0.0.0"), row("10.0.0.1", "255.0.255.0")] };
    expect(interfacesOf(broken, undefined)).toEqual([]);
  });

  it("reads the table of this host", () => {
    expect(() => interfacesOf(networkInterfaces(), undefined)).not.toThrow();
  });
});

describe("prefixOf", () => {
  it.each([
    ["0.0.0.0", 0],
    ["128.0.0.0", 1],
    ["255.0.0.0", 8],
    ["255.255.240.0", 20],
    ["255.255.255.252", 30],
    ["255.255.255.255", 32],
    ["255.0.255.0", undefined],
    ["0.0.0.255", undefined],
    ["ffff::", undefined],
    ["", undefined],
  ])("%s is %s", (netmask, prefix) => expect(prefixOf(netmask)).toBe(prefix));
});

describe("broadcastOf", () => {
  it.each([
    ["10.0.0.1", 0, "255.255.255.255"],
    ["10.0.0.1", 8, "10.255.255.255"],
    ["172.16.33.4", 20, "172.16.47.255"],
    ["192.168.1.1", 30, "192.168.1.3"],
    ["192.168.1.1", 31, undefined],
    ["192.168.1.1", 32, undefined],
    ["192.168.1.1", -1, undefined],
    ["192.168.1.1", 24.5, undefined],
    ["192.168.1.1", Number.NaN, undefined],
    ["192.168.1", 24, undefined],
    ["0x7f.1.1.1", 24, undefined],
    ["fe80::1", 24, undefined],
  ])("%s/%s is %s", (address, prefix, broadcast) =>
    expect(broadcastOf(address, prefix)).toBe(broadcast),
  );
});

describe("sameInterfaces", () => {
  const one = interfacesOf({ eth0: [row("10.0.0.1", "255.255.255.0")] }, undefined);

  it("sees an interface that came, moved, or has another netmask", () => {
    const rows = (table: InterfaceTable): boolean =>
      sameInterfaces(one, interfacesOf(table, undefined));
    expect(rows({ eth0: [row("10.0.0.1", "255.255.255.0")] })).toBe(true);
    expect(rows({})).toBe(false);
    expect(rows({ eth0: [row("10.0.0.2", "255.255.255.0")] })).toBe(false);
    expect(rows({ eth1: [row("10.0.0.1", "255.255.255.0")] })).toBe(false);
    expect(rows({ eth0: [row("10.0.0.1", "255.255.0.0")] })).toBe(false);
  });
});

describe("OnLinkTest", () => {
  const onLink = new OnLinkTest(
    interfacesOf(
      {
        eth0: [row("192.168.5.130", "255.255.255.128")],
        tun0: [row("10.8.0.2", "255.255.255.255")],
      },
      undefined,
    ),
  );

  it.each([
    ["192.168.5.128", true],
    ["192.168.5.255", true],
    ["192.168.5.127", false],
    ["192.168.6.130", false],
    ["10.8.0.2", true],
    ["10.8.0.3", false],
    ["127.0.0.1", true],
    ["127.9.9.9", true],
    ["128.0.0.1", false],
    ["8.8.8.8", false],
  ])("%s: %s", (address, expected) => expect(onLink.has(address)).toBe(expected));

  it("takes loopback for on-link without any interface", () => {
    expect(new OnLinkTest([]).has("127.0.0.1")).toBe(true);
    expect(new OnLinkTest([]).has("10.0.0.1")).toBe(false);
  });

  it("answers for the address that is asked for, whichever was before", () => {
    for (let round = 0; round < 2; round += 1) {
      expect(onLink.has("192.168.5.128")).toBe(true);
      expect(onLink.has("192.168.6.130")).toBe(false);
      expect(onLink.has("192.168.6.130")).toBe(false);
    }
  });
});
