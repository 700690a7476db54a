import { createSocket, Socket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Lan, LanDatagram, LanInterface, LanOptions } from "../../src/net/lan.js";
import { openLan } from "../../src/net/nodeLan.js";

const DISCOVERY_GROUP = "239.255.22.40";
const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

interface Received extends LanDatagram {
  readonly text: string;
}

/** On loopback alone: these tests send nothing into the machine's network. */
async function open(options: Partial<LanOptions> = {}) {
  const received: Received[] = [];
  const troubles: string[] = [];
  const lan = await openLan(
    {
      dataPort: 0,
      discoveryPort: 0,
      discoveryGroup: DISCOVERY_GROUP,
      interfaces: ["lo", "lo0"],
      ...options,
    },
    {
      datagram: (datagram) =>
        received.push({ ...datagram, text: Buffer.from(datagram.bytes).toString() }),
      interfacesChanged: () => {},
      trouble: ({ where, code }) => troubles.push(`${where} ${code}`),
    },
  );
  closers.push(() => lan.close());
  const texts = (via: LanDatagram["via"]): string[] =>
    received.filter((datagram) => datagram.via === via).map(({ text }) => text);
  return { lan, received, troubles, texts };
}

async function plainSocket(port = 0, address = "0.0.0.0"): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(port, address);
  await once(socket, "listening");
  closers.push(
    () =>
      new Promise<void>((resolve) => {
        socket.close(() => resolve());
      }),
  );
  return socket;
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const socket = createSocket("udp4").bind(0, "0.0.0.0");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  await once(socket, "close");
  return port;
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Waits until a datagram that was sent after all others has arrived: nothing else is under way. */
async function settle(lan: Lan, received: readonly Received[]): Promise<void> {
  const text = `settled ${received.length}`;
  lan.sendUnicast(bytesOf(text), { address: "127.0.0.1", port: lan.dataPort });
  await expect.poll(() => received.some((datagram) => datagram.text === text)).toBe(true);
}

describe("openLan on loopback", () => {
  it("lets two nodes of one host find each other by broadcast and by multicast", async () => {
    const a = await open();
    const b = await open({ discoveryPort: a.lan.discoveryPort });
    expect(a.lan.interfaces()).toMatchObject([{ address: "127.0.0.1", loopback: true }]);
    expect(b.lan.discoveryPort).toBe(a.lan.discoveryPort);
    expect(b.lan.dataPort).not.toBe(a.lan.dataPort);

    a.lan.sendLan(bytesOf("beacon"));
    // Both copies, and to the sender itself as well.
    await expect.poll(() => b.texts("discovery")).toEqual(["beacon", "beacon"]);
    await expect.poll(() => a.texts("discovery")).toEqual(["beacon", "beacon"]);
    expect(b.received[0]).toMatchObject({ onLink: true, from: { address: "127.0.0.1" } });
    expect(a.lan.counters()).toMatchObject({ datagramsSent: 2, bytesSent: 12, sendErrors: {} });
    expect(b.lan.counters()).toMatchObject({ datagramsReceived: 2, bytesReceived: 12 });
  });

  it("sends the discovery group apart from broadcast", async () => {
    const a = await open();
    const b = await open({ discoveryPort: a.lan.discoveryPort });
    const port = a.lan.discoveryPort;
    a.lan.sendMulticast(bytesOf("only multicast"), { address: DISCOVERY_GROUP, port });
    await expect.poll(() => b.texts("discovery")).toEqual(["only multicast"]);
  });

  it("sends unicast from the data port to the data port", async () => {
    const [a, b] = [await open(), await open()];
    a.lan.sendUnicast(bytesOf("hi"), { address: "127.0.0.1", port: b.lan.dataPort });
    await expect.poll(() => b.texts("data")).toEqual(["hi"]);
    expect(b.received[0]?.from).toEqual({ address: "127.0.0.1", port: a.lan.dataPort });
  });

  it("hands over what is answered to the source of a broadcast", async () => {
    const a = await open();
    const b = await open({ discoveryPort: a.lan.discoveryPort });
    a.lan.sendLan(bytesOf("who is there"));
    await expect.poll(() => b.received.length).toBe(2);
    for (const { from } of b.received) b.lan.sendUnicast(bytesOf("me"), from);
    await expect.poll(() => a.texts("data")).toEqual(["me", "me"]);
  });

  it("announces on further broadcast addresses, from the data port", async () => {
    const a = await open({ broadcasts: ["127.255.255.255"] });
    a.lan.sendLan(bytesOf("beacon"));
    await expect.poll(() => a.texts("discovery")).toEqual(["beacon", "beacon", "beacon"]);
    expect(a.received.filter(({ from }) => from.port === a.lan.dataPort)).toHaveLength(1);
  });

  it("takes another data port if the wanted one is taken", async () => {
    const first = await open();
    const second = await open({ dataPort: first.lan.dataPort });
    expect(first.lan.dataPortTaken).toBe(false);
    expect(second.lan.dataPortTaken).toBe(true);
    expect(second.lan.dataPort).not.toBe(first.lan.dataPort);
  });

  it("holds its data port alone", async () => {
    const { lan } = await open();
    const intruder = createSocket({ type: "udp4", reuseAddr: true });
    intruder.bind(lan.dataPort, "0.0.0.0");
    const [error] = await once(intruder, "error");
    expect(error).toMatchObject({ code: "EADDRINUSE" });
    intruder.close();
  });

  it("rejects if another program holds the discovery port alone", async () => {
    const port = (await plainSocket()).address().port;
    await expect(open({ discoveryPort: port })).rejects.toMatchObject({
      code: "PORT_IN_USE",
      remedy: expect.stringContaining("--discovery-port"),
      cause: { cause: { code: "EADDRINUSE" } },
    });
  });

  it("rejects one port for both uses", async () => {
    await expect(open({ dataPort: 40_001, discoveryPort: 40_001 })).rejects.toMatchObject({
      code: "INVALID_PORT",
    });
  });

  it("says what receive buffer was granted", async () => {
    const { lan } = await open({ receiveBufferBytes: 65_536 });
    expect(lan.receiveBufferBytes).toBeGreaterThanOrEqual(65_536);
    const larger = await open({ receiveBufferBytes: 131_072 });
    expect(larger.lan.receiveBufferBytes).toBeGreaterThan(lan.receiveBufferBytes);
  });

  it("opens without any interface and sends nothing then", async () => {
    const { lan } = await open({ interfaces: ["none0"] });
    expect(lan.interfaces()).toEqual([]);
    lan.sendLan(bytesOf("void"));
    lan.sendMulticast(bytesOf("void"), { address: "224.0.1.100", port: 9 });
    await lan.close();
    expect(lan.counters()).toMatchObject({ datagramsSent: 0, sendErrors: {} });
  });

  it("rejects a discovery group that is none, and leaves no port behind", async () => {
    const discoveryPort = await freePort();
    await expect(open({ discoveryPort, discoveryGroup: "10.0.0.1" })).rejects.toMatchObject({
      code: "INVALID_GROUP",
    });
    await plainSocket(discoveryPort);
  });

  it("counts by errno what cannot be sent, tells it once, and throws nothing", async () => {
    const { lan, troubles } = await open();
    const port = lan.dataPort;
    lan.sendUnicast(bytesOf("x"), { address: "127.0.0.1", port: 0 });
    lan.sendUnicast(bytesOf("x"), { address: "localhost", port });
    lan.sendUnicast(bytesOf("x"), { address: "localhost", port });
    lan.sendUnicast(bytesOf("x"), { address: "127.255.255.255", port });
    lan.sendUnicast(new Uint8Array(70_000), { address: "127.0.0.1", port });
    await expect
      .poll(() => lan.counters().sendErrors)
      .toEqual({ ERR_SOCKET_BAD_PORT: 1, EINVAL: 2, EACCES: 1, EMSGSIZE: 1 });
    expect(troubles.filter((trouble) => trouble === "data EINVAL")).toHaveLength(1);
  });

  it("closes once, and is quiet afterwards", async () => {
    const { lan, received } = await open();
    lan.sendUnicast(bytesOf("late"), { address: "127.0.0.1", port: lan.dataPort });
    await lan.joinGroup({ address: "224.0.1.100", port: await freePort() });
    await Promise.all([lan.close(), lan.close()]);
    await lan.close();
    const seen = received.length;
    lan.sendUnicast(bytesOf("x"), { address: "127.0.0.1", port: lan.dataPort });
    lan.sendLan(bytesOf("x"));
    await expect(lan.joinGroup({ address: "224.0.1.100", port: 9 })).rejects.toMatchObject({
      code: "CLOSED",
    });
    // Every port is free again.
    await plainSocket(lan.dataPort);
    await plainSocket(lan.discoveryPort);
    expect(received).toHaveLength(seen);
  });
});

describe("a changing host", () => {
  const LOOPBACK: LanInterface = {
    name: "lo",
    address: "127.0.0.1",
    netmask: "255.0.0.0",
    broadcast: "127.255.255.255",
    loopback: true,
  };

  it("is followed: senders, memberships, on-link sources, and the report of it", async () => {
    const host = { interfaces: [] as readonly LanInterface[] };
    const received: string[] = [];
    const changes: number[] = [];
    const lan = await openLan(
      { dataPort: 0, discoveryPort: 0, discoveryGroup: DISCOVERY_GROUP },
      {
        datagram: ({ bytes }) => received.push(Buffer.from(bytes).toString()),
        interfacesChanged: (interfaces) => changes.push(interfaces.length),
        trouble: () => {},
      },
      {
        listInterfaces: () => host.interfaces,
        nowMs: () => performance.now(),
        pollIntervalMs: 5,
      },
    );
    closers.push(() => lan.close());
    lan.sendLan(bytesOf("nobody"));
    host.interfaces = [LOOPBACK];
    await expect.poll(() => changes).toEqual([1]);
    lan.sendLan(bytesOf("beacon"));
    await expect.poll(() => received).toEqual(["beacon", "beacon"]);
    host.interfaces = [];
    await expect.poll(() => changes).toEqual([1, 0]);
    lan.sendLan(bytesOf("nobody"));
    expect(lan.interfaces()).toEqual([]);
    expect(lan.counters().datagramsSent).toBe(2);
  });

  it("uses other interfaces and broadcast addresses from now on", async () => {
    const a = await open({ interfaces: ["none"] });
    const { discoveryPort } = a.lan;
    const sent = (): number => a.lan.counters().datagramsSent;
    a.lan.sendLan(bytesOf("nobody"));
    expect([a.lan.interfaces(), sent()]).toEqual([[], 0]);
    a.lan.reconfigure({ interfaces: ["lo", "lo0"], broadcasts: ["127.255.255.255"] });
    expect(a.lan.interfaces()).toMatchObject([{ address: "127.0.0.1" }]);
    // What is opened takes a moment.
    await a.lan.joinGroup({ address: "239.255.22.41", port: discoveryPort });
    a.lan.sendLan(bytesOf("here"));
    await expect.poll(() => a.texts("discovery")).toContain("here");
    const before = sent();
    a.lan.reconfigure({ interfaces: ["none"] });
    await a.lan.leaveGroup({ address: "239.255.22.41", port: discoveryPort });
    a.lan.sendLan(bytesOf("nobody"));
    expect([a.lan.interfaces(), sent(), a.troubles]).toEqual([[], before, []]);
  });

  it("is asked again once a minute to be a member of its groups", async () => {
    const clock = { nowMs: 0 };
    const lan = await openLan(
      { dataPort: 0, discoveryPort: 0, discoveryGroup: DISCOVERY_GROUP },
      { datagram: () => {}, interfacesChanged: () => {}, trouble: () => {} },
      { listInterfaces: () => [LOOPBACK], nowMs: () => clock.nowMs, pollIntervalMs: 5 },
    );
    closers.push(() => lan.close());
    const joined = vi.spyOn(Socket.prototype, "addMembership");
    clock.nowMs = 59_999;
    // A minute passes only after looks that must not rejoin.
    await new Promise((resolve) => {
      setTimeout(resolve, 30);
    });
    expect(joined).not.toHaveBeenCalled();
    clock.nowMs = 60_000;
    await expect.poll(() => joined.mock.calls).toEqual([[DISCOVERY_GROUP, "127.0.0.1"]]);
    joined.mockRestore();
  });

  it("leaves an address that cannot be used alone, and goes on with the others", async () => {
    const foreign = {
      ...LOOPBACK,
      name: "gone0",
      address: "198.51.100.7",
      netmask: "255.255.255.0",
    };
    const troubles: string[] = [];
    const received: string[] = [];
    const lan = await openLan(
      { dataPort: 0, discoveryPort: 0, discoveryGroup: DISCOVERY_GROUP },
      {
        datagram: ({ bytes }) => received.push(Buffer.from(bytes).toString()),
        interfacesChanged: () => {},
        trouble: ({ where, code }) => troubles.push(`${where} ${code}`),
      },
      { listInterfaces: () => [foreign, LOOPBACK], nowMs: () => 0, pollIntervalMs: 5 },
    );
    closers.push(() => lan.close());
    lan.sendLan(bytesOf("beacon"));
    await expect.poll(() => received).toEqual(["beacon", "beacon"]);
    // Tried again at every look, told once.
    expect(troubles).toEqual(["interface EADDRNOTAVAIL", "membership ENODEV"]);
  });
});

describe("groups on loopback", () => {
  const ADDRESS = "224.0.1.100";

  it("arrive on a port of their own, for every member on the host", async () => {
    const group = { address: ADDRESS, port: await freePort() };
    const [a, b, other] = [await open(), await open(), await open()];
    await a.lan.joinGroup(group);
    await b.lan.joinGroup(group);
    a.lan.sendMulticast(bytesOf("hello"), group);
    await expect.poll(() => a.texts("group")).toEqual(["hello"]);
    await expect.poll(() => b.texts("group")).toEqual(["hello"]);
    expect(b.received[0]).toMatchObject({ group, onLink: true });
    await settle(other.lan, other.received);
    expect(other.received).toHaveLength(1);
  });

  it("arrive on the discovery port together with the rest", async () => {
    const a = await open();
    const group = { address: ADDRESS, port: a.lan.discoveryPort };
    await a.lan.joinGroup(group);
    a.lan.sendMulticast(bytesOf("hello"), group);
    await expect.poll(() => a.texts("discovery")).toEqual(["hello"]);
    expect(a.received[0]).not.toHaveProperty("group");
  });

  // Only Linux filters in the kernel: elsewhere the core tells them apart by group id.
  it.runIf(process.platform === "linux")("are told apart on one port", async () => {
    const port = await freePort();
    const [a, b] = [await open(), await open()];
    await a.lan.joinGroup({ address: ADDRESS, port });
    await b.lan.joinGroup({ address: "224.0.1.101", port });
    a.lan.sendMulticast(bytesOf("to 101"), { address: "224.0.1.101", port });
    await expect.poll(() => b.texts("group")).toEqual(["to 101"]);
    await settle(a.lan, a.received);
    expect(a.texts("group")).toEqual([]);
  });

  it("hear any program's plain datagram", async () => {
    const group = { address: ADDRESS, port: await freePort() };
    const a = await open();
    await a.lan.joinGroup(group);
    const plain = await plainSocket(0, "127.0.0.1");
    plain.setMulticastInterface("127.0.0.1");
    plain.send("plain text", group.port, group.address);
    await expect.poll(() => a.texts("group")).toEqual(["plain text"]);
    expect(a.received[0]?.from).toEqual({ address: "127.0.0.1", port: plain.address().port });
  });

  it("need as many leaves as joins, and free their port then", async () => {
    const group = { address: ADDRESS, port: await freePort() };
    const a = await open();
    await a.lan.joinGroup(group);
    await a.lan.joinGroup(group);
    await a.lan.leaveGroup(group);
    a.lan.sendMulticast(bytesOf("still"), group);
    await expect.poll(() => a.texts("group")).toEqual(["still"]);
    await a.lan.leaveGroup(group);
    await a.lan.leaveGroup(group);
    await plainSocket(group.port);
  });

  it("are more than the twenty that Linux allows one socket", async () => {
    const a = await open();
    const port = a.lan.discoveryPort;
    const addresses = Array.from({ length: 45 }, (_, index) => `239.192.77.${index}`);
    for (const address of addresses) await a.lan.joinGroup({ address, port });
    for (const address of addresses) a.lan.sendMulticast(bytesOf(address), { address, port });
    await expect.poll(() => a.texts("discovery").toSorted()).toEqual(addresses.toSorted());
    expect(a.troubles).toEqual([]);
  });

  it("reject what is no multicast address, no port, or a port that is held alone", async () => {
    const { lan } = await open();
    const held = (await plainSocket()).address().port;
    const refusal = (address: string, port: number): Promise<unknown> =>
      lan.joinGroup({ address, port }).catch((error: unknown) => error);
    expect(await refusal("10.0.0.1", 4000)).toMatchObject({ code: "INVALID_GROUP" });
    expect(await refusal("#ops", 4000)).toMatchObject({ code: "INVALID_GROUP" });
    expect(await refusal(ADDRESS, 0)).toMatchObject({ code: "INVALID_PORT" });
    expect(await refusal(ADDRESS, held)).toMatchObject({ code: "PORT_IN_USE" });
  });
});
