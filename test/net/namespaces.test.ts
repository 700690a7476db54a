import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import type { LanOptions } from "../../src/net/lan.js";
import { describeOnNamespaces } from "../support/describeOnNamespaces.js";
import { bundleLanProbe, LanProbe } from "../support/lanProbeProcess.js";
import { type NamespaceHost, NamespaceLan } from "../support/namespaceLan.js";

const OPTIONS: LanOptions = {
  dataPort: 22400,
  discoveryPort: 22401,
  discoveryGroup: "239.255.22.40",
};
const GROUP = { address: "224.0.1.100", port: 22405 };

const ENDED_WELL = { code: 0, stderr: "" };

function lanFrom(probe: LanProbe): (text: string) => void {
  return (text) => probe.command({ do: "lan", text });
}

function groupFrom(probe: LanProbe): (text: string) => void {
  return (text) => probe.command({ do: "multicast", text, to: GROUP });
}

/** Sends until it arrives: a link that just came up may lose the first. */
async function arrival(to: LanProbe, send: (text: string) => void) {
  const text = randomUUID();
  const timer = setInterval(() => send(text), 200);
  try {
    return await to.next("datagram", (datagram) => datagram.text === text);
  } finally {
    clearInterval(timer);
  }
}

/** Whether a datagram to a host's `echo` comes back within a second; tries fifty times. */
async function pings(from: NamespaceHost, address: string): Promise<boolean> {
  const source = `
    const socket = require("node:dgram").createSocket("udp4");
    socket.on("message", () => process.exit(0));
    socket.bind(0, () => setInterval(() => socket.send("ping", 7007, process.argv[1]), 20));
    setTimeout(() => process.exit(1), 1000);`;
  return (await from.run(process.execPath, ["-e", source, address])).code === 0;
}

function echo(host: NamespaceHost): void {
  const source = `
    const socket = require("node:dgram").createSocket("udp4");
    socket.on("message", (bytes, from) => socket.send(bytes, from.port, from.address));
    socket.bind(7007);`;
  host.spawn(process.execPath, ["-e", source]);
}

describeOnNamespaces("NodeLan across network namespaces", () => {
  let directory = "";
  let script = "";
  let lan: NamespaceLan | undefined;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "udpchat-probe-"));
    script = await bundleLanProbe(directory);
  });
  afterEach(() => lan?.destroy());
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  function create(hosts: number): NamespaceLan {
    lan = NamespaceLan.create({ hosts });
    return lan;
  }
  function start(host: NamespaceHost): Promise<LanProbe> {
    return LanProbe.start(host, script, OPTIONS);
  }

  it("hears broadcast, the discovery group, groups and unicast without a default route", async () => {
    const hosts = create(3);
    expect((await hosts.host(0).run("ip", ["route", "show", "default"])).stdout).toBe("");
    const a = await start(hosts.host(0));
    const b = await start(hosts.host(1));
    const c = await start(hosts.host(2));
    c.command({ do: "join", group: GROUP });
    await c.next("joined");

    a.command({ do: "lan", text: "hello all" });
    a.command({ do: "multicast", text: "hello group", to: GROUP });
    a.command({ do: "unicast", text: "hello you", to: { address: "10.77.0.2", port: 22400 } });

    for (const probe of [b, c]) {
      const seen = await probe.next("datagram", ({ text }) => text === "hello all");
      expect(seen).toMatchObject({
        via: "discovery",
        onLink: true,
        from: { address: "10.77.0.1" },
      });
    }
    expect(await c.next("datagram", ({ text }) => text === "hello group")).toMatchObject({
      via: "group",
    });
    expect(await b.next("datagram", ({ text }) => text === "hello you")).toMatchObject({
      via: "data",
      from: { address: "10.77.0.1", port: 22400 },
    });
    // Broadcast and multicast: both copies came.
    await expect
      .poll(() => b.reports("datagram").filter(({ text }) => text === "hello all").length)
      .toBe(2);
    expect(b.reports("datagram").some(({ text }) => text === "hello group")).toBe(false);
    for (const probe of [a, b, c]) expect(await probe.stop()).toEqual(ENDED_WELL);
  });

  it("uses an interface that appears later, for sending, receiving and groups", async () => {
    const hosts = create(1);
    const late = hosts.addHost({ connected: false });
    const a = await start(hosts.host(0));
    const b = await start(late);
    expect(b.reports("ready")[0]?.addresses).toEqual(["127.0.0.1"]);
    b.command({ do: "join", group: GROUP });
    await b.next("joined");

    late.addInterface("eth0", "10.77.0.2/24");
    await b.next("interfaces", ({ addresses }) => addresses.includes("10.77.0.2"));
    expect(await arrival(a, lanFrom(b))).toMatchObject({ from: { address: "10.77.0.2" } });
    expect(await arrival(b, lanFrom(a))).toMatchObject({ via: "discovery" });
    expect(await arrival(b, groupFrom(a))).toMatchObject({ via: "group" });
    for (const probe of [a, b]) expect(await probe.stop()).toEqual(ENDED_WELL);
  });

  it("survives an interface that disappears, and uses it when it comes back", async () => {
    const hosts = create(2);
    const a = await start(hosts.host(0));
    const b = await start(hosts.host(1));
    a.command({ do: "join", group: GROUP });
    await a.next("joined");

    hosts.host(0).removeInterface();
    // Both before and after the poll that notices it.
    a.command({ do: "lan", text: "into the void" });
    a.command({ do: "unicast", text: "void", to: { address: "10.77.0.2", port: 22400 } });
    await a.next("trouble", ({ code }) => code === "ENETUNREACH");
    await a.next("interfaces", ({ addresses }) => !addresses.includes("10.77.0.1"));
    a.command({ do: "lan", text: "into the void" });

    hosts.host(0).addInterface("eth0", "10.77.0.1/24");
    expect(await arrival(b, lanFrom(a))).toMatchObject({ from: { address: "10.77.0.1" } });
    expect(await arrival(a, groupFrom(b))).toMatchObject({ via: "group" });
    for (const probe of [a, b]) expect(await probe.stop()).toEqual(ENDED_WELL);
  });

  it("recovers from an interface that was replaced between two looks", async () => {
    const hosts = create(2);
    const a = await start(hosts.host(0));
    const b = await start(hosts.host(1));
    a.command({ do: "join", group: GROUP });
    await a.next("joined");
    hosts.host(0).removeInterface();
    hosts.host(0).addInterface("eth0", "10.77.0.1/24");
    expect(await arrival(b, lanFrom(a))).toMatchObject({ from: { address: "10.77.0.1" } });
    expect(await arrival(a, groupFrom(b))).toMatchObject({ via: "group" });
    for (const probe of [a, b]) expect(await probe.stop()).toEqual(ENDED_WELL);
  });

  it("follows a changed address", async () => {
    const hosts = create(2);
    const a = await start(hosts.host(0));
    const b = await start(hosts.host(1));
    hosts.host(0).setAddress("10.77.0.99/24");
    await a.next("interfaces", ({ addresses }) => addresses.includes("10.77.0.99"));
    expect(await arrival(b, lanFrom(a))).toMatchObject({ from: { address: "10.77.0.99" } });
    expect(await arrival(a, lanFrom(b))).toMatchObject({ via: "discovery" });
    for (const probe of [a, b]) expect(await probe.stop()).toEqual(ENDED_WELL);
  });

  it("opens with every interface down, and works when one comes up", async () => {
    const host = create(1).addHost({ connected: false });
    host.linkDown("lo");
    const probe = await start(host);
    expect(probe.reports("ready")[0]?.addresses).toEqual([]);
    probe.command({ do: "lan", text: "nobody" });
    probe.command({ do: "unicast", text: "nobody", to: { address: "10.77.0.1", port: 22400 } });
    await probe.next("trouble", ({ code }) => code === "ENETUNREACH");
    host.linkUp("lo");
    await probe.next("interfaces", ({ addresses }) => addresses.includes("127.0.0.1"));
    expect(await arrival(probe, lanFrom(probe))).toMatchObject({ from: { address: "127.0.0.1" } });
    expect(await probe.stop()).toEqual(ENDED_WELL);
  });
});

describeOnNamespaces("NamespaceLan", () => {
  const lans: NamespaceLan[] = [];
  afterEach(() => {
    for (const lan of lans.splice(0)) lan.destroy();
  });

  function create(hosts: number): NamespaceLan {
    const lan = NamespaceLan.create({ hosts });
    lans.push(lan);
    return lan;
  }

  it("loses everything at 100 percent, nothing at 0, and cuts along partitions", async () => {
    const lan = create(3);
    echo(lan.host(1));
    echo(lan.host(2));
    await expect.poll(() => pings(lan.host(0), "10.77.0.2"), { timeout: 10_000 }).toBe(true);
    await expect.poll(() => pings(lan.host(0), "10.77.0.3"), { timeout: 10_000 }).toBe(true);
    lan.setLoss(100);
    expect(await pings(lan.host(0), "10.77.0.2")).toBe(false);
    lan.setLoss(30);
    expect(await pings(lan.host(0), "10.77.0.2")).toBe(true);
    lan.setLoss(0);
    lan.partition([[0, 2], [1]]);
    expect(await pings(lan.host(0), "10.77.0.2")).toBe(false);
    expect(await pings(lan.host(0), "10.77.0.3")).toBe(true);
    lan.partition([]);
    expect(await pings(lan.host(0), "10.77.0.2")).toBe(true);
  });

  it("kills a command whose time is up, and leaves no namespace behind", async () => {
    const lan = create(1);
    const { namespace } = lan.host(0);
    const result = await lan.host(0).run("sleep", ["60"], { timeoutMs: 100 });
    expect(result.code).toBeUndefined();
    const listed = await lan.host(0).run("ip", ["netns", "list"]);
    expect(listed.stdout).toContain(namespace);
    lan.destroy();
    lan.destroy();
    const other = create(1);
    expect((await other.host(0).run("ip", ["netns", "list"])).stdout).not.toContain(namespace);
  });
});

// Never silently: a reporter that shows no names still shows this.
