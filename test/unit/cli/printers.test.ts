import { describe, expect, it } from "vitest";
import type {
  GroupLine,
  HistoryLine,
  MessageLine,
  PeerLine,
  PeerRefLine,
} from "../../../src/api/lines.js";
import { JsonPrinter } from "../../../src/cli/printers/jsonPrinter.js";
import { PeoplePrinter } from "../../../src/cli/printers/peoplePrinter.js";
import type { Line, Printer } from "../../../src/cli/printers/printer.js";
import { styleFor } from "../../../src/cli/printers/style.js";

const alice: PeerRefLine = {
  id: "ab12".padEnd(64, "0"),
  name: "alice",
  address: "10.0.0.2",
  port: 22400,
  trust: "known",
};
const otherAlice: PeerRefLine = { ...alice, id: "cd34".padEnd(64, "0") };

function message(overrides: Partial<MessageLine>): MessageLine {
  return {
    type: "message",
    id: "00",
    scope: "direct",
    from: alice,
    group: null,
    text: "hello",
    sentAt: "2026-01-02T03:04:05.000Z",
    receivedAt: "2026-01-02T03:04:05.000Z",
    verified: true,
    late: false,
    ...overrides,
  };
}

function peer(overrides: Partial<PeerLine>): PeerLine {
  return {
    type: "peer",
    id: "ab12".padEnd(64, "0"),
    name: "alice",
    address: "10.0.0.2",
    port: 22400,
    trust: "known",
    state: "online",
    rttMs: 0.8,
    via: "broadcast",
    addresses: [{ address: "10.0.0.2", port: 22400 }],
    ...overrides,
  };
}

/** At this local time, whatever the time zone of whoever runs the tests. */
const at = (day: number, hour: number, minute = 0): string =>
  new Date(2026, 0, day, hour, minute).toISOString();

const NOW_MS = Date.parse(at(6, 12));

function stored(overrides: Partial<HistoryLine>): HistoryLine {
  return {
    ...message({}),
    id: "3f9a01c2".padStart(32, "0"),
    scope: "direct",
    sentAt: at(2, 9, 5),
    own: false,
    to: null,
    state: "read",
    receipts: [],
    clientId: null,
    expiresAt: null,
    ...overrides,
  };
}

interface Setting {
  readonly tables?: boolean;
  readonly colour?: boolean;
}

async function printed(
  print: (printer: Printer) => Promise<void>,
  { tables = false, colour = false }: Setting = {},
): Promise<string> {
  let text = "";
  const write = async (part: string): Promise<void> => {
    text += part;
  };
  await print(
    new PeoplePrinter(write, { style: styleFor(colour, {}), tables, nowMs: () => NOW_MS }),
  );
  return text;
}

const linesPrinted = (...lines: Line[]): Promise<string> =>
  printed(async (printer) => {
    for (const line of lines) await printer.line(line);
  });

describe("the printer for people", () => {
  it("prints what the doctor found", async () => {
    const at = "2026-01-02T03:04:05.000Z";
    const found = { interface: null, peer: null, remedy: null, command: null, at } as const;
    const text = await linesPrinted(
      {
        ...found,
        type: "finding",
        code: "NO_INTERFACE",
        severity: "problem",
        seen: "only loopback is up",
        meaning: "nobody can be reached",
        remedy: "connect the cable",
        command: "ip link",
      },
      {
        ...found,
        type: "finding",
        code: "INTERFACE_OK",
        severity: "ok",
        seen: "eth0: all is well",
        meaning: "",
      },
      { type: "diagnosis", problems: 1, notes: 2, peers: 0 },
    );
    expect(text).toBe(`problem  only loopback is up
         nobody can be reached
         -> connect the cable
            ip link
         NO_INTERFACE
ok       eth0: all is well
1 problem, 2 notes
`);
    expect(await linesPrinted({ type: "diagnosis", problems: 0, notes: 1, peers: 3 })).toBe(
      "no problem found, 1 note\n",
    );
  });

  it("prints chat lines", async () => {
    const text = await linesPrinted(
      {
        type: "group",
        group: "#ops",
        address: "239.192.1.2",
        port: 22401,
        members: [alice],
        standing: false,
        secret: false,
        transport: "multicast",
      },
      message({ scope: "group", group: "#ops" }),
      {
        type: "presence",
        event: "join",
        group: "#ops",
        peer: { ...alice, id: "ef".padEnd(64, "0"), name: "bob" },
        online: 3,
      },
      {
        type: "presence",
        event: "leave",
        group: "#ops",
        peer: { ...alice, id: "ef".padEnd(64, "0"), name: "bob" },
        online: 2,
      },
      { type: "gap", group: "#ops", from: alice, count: 4 },
    );
    expect(text.replaceAll(/\d\d:\d\d/g, "HH:MM")).toBe(
      [
        "* you joined #ops (2 online)",
        "HH:MM alice: hello",
        "* bob joined (3 online)",
        "* bob left (2 online)",
        "* 4 message parts of alice lost for good",
        "",
      ].join("\n"),
    );
  });

  it("prints who invites and who is removed, and marks what is for us alone", async () => {
    const bob = { ...alice, id: "ef".padEnd(64, "0"), name: "bob" };
    const group: GroupLine = {
      type: "group",
      group: "#ops",
      address: "239.192.1.2",
      port: 22401,
      members: [],
      standing: false,
      secret: true,
      transport: "mixed",
    };
    const direct = message({ group: null });
    const text = await linesPrinted(
      direct,
      { type: "removed", group: "#ops", peer: bob, by: alice },
      group,
      direct,
      message({ scope: "group", group: "#ops" }),
      { type: "removed", group: "#ops", peer: bob, by: alice },
      { type: "invitation", group: "#dev", from: bob },
      { type: "invited", group: "#ops", to: bob },
    );
    expect(text.replaceAll(/\d\d:\d\d /g, "HH:MM ")).toBe(
      [
        "HH:MM alice: hello",
        "* bob was removed from #ops by alice",
        "* you joined #ops (1 online)",
        "HH:MM alice (to you alone): hello",
        "HH:MM alice: hello",
        "* bob was removed by alice",
        "* bob (10.0.0.2:22400) invites you to #dev: udpchat join '#dev' --secret",
        "invited bob (10.0.0.2:22400) to #ops",
        "",
      ].join("\n"),
    );
    const table = await printed((printer) => printer.groups([group]), { tables: true });
    expect(table).toMatch(/SECRET +TRANSPORT\n#ops .* no +yes +mixed\n$/);
  });

  it("marks a stranger under a known name wherever he is mentioned", async () => {
    const stranger = { ...alice, trust: "conflict" as const };
    const bob = { ...alice, id: "ef".padEnd(64, "0"), name: "bob" };
    const text = await linesPrinted(
      { type: "presence", event: "online", group: null, peer: stranger, online: 3 },
      { type: "presence", event: "offline", group: "#ops", peer: stranger, online: 1 },
      { type: "removed", group: "#ops", peer: bob, by: stranger },
      { type: "removed", group: "#ops", peer: stranger, by: bob },
      { type: "invitation", group: "#ops", from: stranger },
    );
    const mark = "alice (not the one you know)";
    expect(text).toBe(
      [
        `* ${mark} is online (3 online)`,
        `* ${mark} is offline in #ops (1 online)`,
        `* bob was removed from #ops by ${mark}`,
        `* ${mark} was removed from #ops by bob`,
        `* ${mark} (10.0.0.2:22400) invites you to #ops: udpchat join '#ops' --secret`,
        "",
      ].join("\n"),
    );
  });

  it("lets nobody forge a line or move the cursor", async () => {
    const text = await linesPrinted(
      message({ text: "hi\n12:00 bob: I am bob\u001b[2J", from: { ...alice, name: "a\nb\u202e" } }),
    );
    expect(text.split("\n")).toHaveLength(3);
    expect(text.split("\n")[1]).toMatch(/^ {6}12:00 bob/);
    expect(text).toContain("a␊b<U+202E>");
    expect(text).not.toContain("\u001b");
  });

  it("shows the id of a nameless sender and the address of a plain one", async () => {
    const nameless = message({ from: { ...alice, name: " " } });
    const plain = message({
      scope: "plain",
      id: null,
      sentAt: null,
      verified: false,
      from: { id: null, name: "", address: "10.0.0.9", port: 5000, trust: null },
    });
    const text = await linesPrinted(nameless, plain);
    expect(text).toContain(" ab120000: hello\n");
    expect(text).toContain(" 10.0.0.9:5000 (plain, unverified): hello\n");
  });

  it("tells peers of one name apart", async () => {
    expect(await linesPrinted(message({}), message({ from: otherAlice }), message({}))).toMatch(
      / alice: hello\n.* alice~cd34: hello\n.* alice~ab12: hello\n/,
    );
    const list = [peer({}), peer({ id: otherAlice.id ?? "" })];
    const text = await printed((printer) => printer.peers(list));
    expect(text).toMatch(/^alice~ab12\t.*\nalice~cd34\t/);
  });

  it("separates columns with tabs in a pipe", async () => {
    expect(await printed((printer) => printer.peers([peer({ rttMs: null })]))).toBe(
      `alice\t10.0.0.2:22400\tonline\t-\tbroadcast\t${"ab12".padEnd(64, "0")}\tknown\n`,
    );
  });

  it("lines up wide characters", async () => {
    const list = [peer({ name: "爱丽丝" }), peer({ name: "bob", id: "ef".padEnd(64, "0") })];
    const [head = "", wide = "", narrow = ""] = (
      await printed((printer) => printer.peers(list), { tables: true })
    ).split("\n");
    const column = head.indexOf("ADDRESS");
    expect(narrow.indexOf("10.0.0.2")).toBe(column);
    // Three characters that take two columns each.
    expect(wide.indexOf("10.0.0.2")).toBe(column - 3);
  });

  it("prints peers as they come in the same columns", async () => {
    const text = await printed(
      async (printer) => {
        await printer.line(peer({}));
        await printer.line(peer({ name: "爱丽丝", id: "ef".padEnd(64, "0") }));
      },
      { tables: true },
    );
    const [head = "", first = "", second = ""] = text.split("\n");
    expect(first.indexOf("10.0.0.2")).toBe(head.indexOf("ADDRESS"));
    expect(second.indexOf("10.0.0.2")).toBe(head.indexOf("ADDRESS") - 3);
  });

  it("shows what is held of each key", async () => {
    const peers = [
      peer({ trust: "verified" }),
      peer({ trust: "conflict", id: "cd".repeat(32) }),
      peer({ trust: "unknown", id: "ef".repeat(32), name: "bob" }),
    ];
    const table = await printed((printer) => printer.peers(peers), { tables: true });
    expect(
      table.split("\n").map((row) => row.slice(row.indexOf("ID") === -1 ? -30 : 0).trim()),
    ).toEqual([
      expect.stringMatching(/ID +TRUST$/),
      expect.stringMatching(/verified ✓$/),
      expect.stringMatching(/not the alice you know$/),
      expect.stringMatching(/unknown$/),
      "",
    ]);
    const tabs = await printed((printer) => printer.peers(peers));
    expect(
      tabs
        .trim()
        .split("\n")
        .map((row) => row.split("\t").at(-1)),
    ).toEqual(["verified", "conflict", "unknown"]);
  });

  it("marks what comes under somebody else's name", async () => {
    const from = { ...alice, trust: "conflict" } as const;
    const sentAt = "2026-01-02T03:04:05.000Z";
    const text = await linesPrinted(
      message({ from }),
      { type: "request", id: "1", from, text: "who?", sentAt },
      message({ from: { ...from, name: "bob (not the one you know)", trust: "known" } }),
    );
    expect(text.split("\n").map((line) => line.slice(6))).toEqual([
      "alice (not the one you know): hello",
      "alice (not the one you know) asks: who?",
      '"bob (not the one you know)": hello',
      "",
    ]);
  });

  it("says what was decided of a key", async () => {
    const text = await linesPrinted(
      { type: "verification", peer: alice, code: "01234 56789 01234 56789 01234" },
      { type: "trust", peer: alice, trust: "verified" },
      { type: "trust", peer: { ...alice, address: "", port: 0 }, trust: "blocked" },
    );
    expect(text).toBe(
      "01234 56789 01234 56789 01234\nalice (ab120000) is verified\nalice (ab120000) is blocked\n",
    );
  });

  it("says how a delivery went", async () => {
    const to = { ...alice, name: "bob", address: "10.77.0.2" };
    expect(
      await linesPrinted({
        type: "delivery",
        id: "0",
        status: "delivered",
        to,
        rttMs: 1.23,
        attempts: 1,
      }),
    ).toBe("delivered to bob (10.77.0.2:22400) in 1.2 ms\n");
  });
});

describe("history", () => {
  const own = { own: true, to: { ...alice, name: "爱丽丝" }, state: "sent" } as const;
  const ops = { scope: "group", group: "#ops", to: null } as const;

  it("is a log by days on a terminal, lined up, with the state of what is ours", async () => {
    const receipts = [alice, otherAlice].map(
      (member) => ({ peer: member, status: "delivered", at: null }) as const,
    );
    const lines = [
      stored({ text: "hello" }),
      stored({ ...own, text: "hi", sentAt: at(2, 23, 59), state: "delivered" }),
      stored({ ...own, ...ops, text: "one\ntwo", sentAt: at(3, 0), receipts }),
      stored({ text: "new", sentAt: at(3, 0, 1), state: "unread" }),
      stored({ ...ops, text: "three", sentAt: at(3, 0, 1), state: "unread" }),
      stored({ ...own, text: "lost", sentAt: at(3, 0, 2), state: "undelivered" }),
    ];
    expect(await printed((printer) => printer.history(lines), { tables: true })).toBe(
      [
        "* Friday 2026-01-02",
        "09:05 alice -> you   hello",
        "23:59 you -> 爱丽丝  hi (delivered)",
        "* Saturday 2026-01-03",
        "00:00 you -> #ops    one",
        "      two (sent, 2 have it)",
        "00:01 alice -> you   new (new)",
        "00:01 alice -> #ops  three",
        "00:02 you -> 爱丽丝  lost (undelivered)",
        "",
      ].join("\n"),
    );
  });

  it("is one line a message with tabs in a pipe", async () => {
    const lines = [
      stored({ text: "a\tb\nc" }),
      stored({ ...own, ...ops, state: "queued", sentAt: at(3, 0) }),
    ];
    expect(await printed((printer) => printer.history(lines))).toBe(
      `${at(2, 9, 5)}\talice\tyou\tread\ta␉b␊c\n${at(3, 0)}\tyou\t#ops\tqueued\thello\n`,
    );
  });

  it("is nothing where nothing is stored", async () => {
    expect(await printed((printer) => printer.history([]), { tables: true })).toBe("");
    expect(await printed((printer) => printer.outbox([]), { tables: true })).toBe("");
  });

  it("marks a stranger under a known name", async () => {
    const line = stored({ from: { ...alice, trust: "conflict" } });
    const text = await printed((printer) => printer.history([line]), { tables: true });
    expect(text).toContain("alice (not the one you know) -> you  hello\n");
  });

  it("has colour on a terminal alone", async () => {
    const show = (printer: Printer): Promise<void> => printer.history([stored(own)]);
    expect(await printed(show, { tables: true })).not.toContain("\u001b");
    expect(await printed(show, { tables: true, colour: true })).toContain("\u001b[90m(sent)");
  });
});

describe("the outbox", () => {
  const to = { ...alice, name: "爱丽丝" };
  const queued = { own: true, state: "queued", sentAt: at(6, 9), expiresAt: at(13, 9) } as const;
  const nobodyYet = { ...alice, id: null, name: "", trust: null };
  const lines = [
    stored({ ...queued, to, text: `${"宽".repeat(19)}abc` }),
    stored({
      ...{ ...queued, id: "02d4".padStart(32, "0") },
      ...{ to: nobodyYet, text: "two\nlines", sentAt: at(6, 11, 59) },
    }),
  ];

  it("is a table on a terminal", async () => {
    expect(await printed((printer) => printer.outbox(lines), { tables: true })).toBe(
      [
        "ID    TO              AGE    EXPIRES IN  TEXT",
        `01c2  爱丽丝          3 h    7 d         ${"宽".repeat(19)}ab…`,
        "02d4  10.0.0.2:22400  1 min  7 d         two␊lines",
        "",
      ].join("\n"),
    );
  });

  it("has tabs and whole ids in a pipe", async () => {
    const [, second = ""] = (await printed((printer) => printer.outbox(lines))).split("\n");
    expect(second.split("\t")).toEqual([
      "02d4".padStart(32, "0"),
      "10.0.0.2:22400",
      at(6, 11, 59),
      at(13, 9),
      "two␊lines",
    ]);
  });

  it("says what was dropped", async () => {
    expect(await printed((printer) => printer.dropped(stored({ ...queued, to })))).toBe(
      "3f9a01c2 to 爱丽丝 is dropped: hello\n",
    );
  });
});

describe("what was sent before", () => {
  const progress = {
    type: "delivery",
    id: "3f9a01c2".padStart(32, "0"),
    to: alice,
    rttMs: null,
    attempts: null,
  } as const;

  it("is told short, and loudly when it is given up", async () => {
    const told = async (status: "delivered" | "read" | "undelivered"): Promise<string> =>
      printed((printer) => printer.progress({ ...progress, status }), { colour: true });
    expect(await told("read")).toBe("\u001b[90m* alice has read message 3f9a01c2\u001b[39m\n");
    expect(await told("delivered")).toBe("\u001b[90m* alice has message 3f9a01c2\u001b[39m\n");
    expect(await told("undelivered")).toContain(
      "\u001b[31m* message 3f9a01c2 to alice is given up: it was not delivered (",
    );
  });

  it("says that a message waits", async () => {
    expect(await linesPrinted({ ...progress, status: "queued" })).toBe(
      "queued for alice, message 3f9a01c2\n",
    );
  });
});

describe("a late line", () => {
  const late = (overrides: Partial<MessageLine>): MessageLine =>
    message({ scope: "group", group: "#ops", late: true, receivedAt: at(6, 12), ...overrides });

  it("has the time at which it was said, with the day if that is another one", async () => {
    const text = await linesPrinted(
      late({ sentAt: at(6, 8, 30) }),
      late({ sentAt: at(5, 23, 30), text: "one\ntwo" }),
    );
    expect(text).toBe(
      [
        "08:30 #ops alice (earlier): hello",
        "2026-01-05 23:30 #ops alice (earlier): one",
        "      two",
        "",
      ].join("\n"),
    );
  });

  it("is faint but for the name, which has its colour", async () => {
    const line = late({ sentAt: at(6, 8, 30) });
    const text = await printed((printer) => printer.line(line), { colour: true });
    expect(text).toBe(
      "\u001b[90m08:30 #ops \u001b[39m\u001b[1m\u001b[36malice\u001b[39m\u001b[22m\u001b[90m (earlier): hello\u001b[39m\n",
    );
  });
});

describe("colour", () => {
  it("is used on a terminal, unless NO_COLOR is set", () => {
    expect(styleFor(true, {}).strong("x")).toContain("\u001b[1m");
    expect(styleFor(true, { NO_COLOR: "" }).strong("x")).toContain("\u001b[1m");
    expect(styleFor(true, { NO_COLOR: "1" }).strong("x")).toBe("x");
    expect(styleFor(false, {}).strong("x")).toBe("x");
  });

  it("of a person is that of the key, whatever it is called", () => {
    const { person } = styleFor(true, {});
    const colour = (id: string): string => person("x", id).replace("x", "");
    expect(colour(`ab12${"0".repeat(60)}`)).toBe(colour(`ab12${"0".repeat(59)}1`));
    const colours = Array.from({ length: 100 }, (_, index) =>
      colour(index.toString(16).padStart(6, "0").padEnd(64, "0")),
    );
    expect(new Set(colours).size).toBe(9);
    expect(person("x", null)).toBe("\u001b[1mx\u001b[22m");
    expect(styleFor(true, { NO_COLOR: "1" }).person("x", "ab12")).toBe("x");
  });
});

describe("the printer for scripts", () => {
  it("prints one object a line, and texts as they are", async () => {
    let text = "";
    const printer = new JsonPrinter(async (part) => {
      text += part;
    });
    const line = message({ text: "two\nlines\u001b[0m" });
    await printer.line(line);
    await printer.peers([peer({})]);
    const [first = "", second = "", ...others] = text.split("\n");
    expect(others).toEqual([""]);
    expect(JSON.parse(first)).toEqual(line);
    expect(JSON.parse(second)).toEqual(peer({}));
    expect(text).not.toContain("\u001b");
  });
});
