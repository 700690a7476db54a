/**
 * The main job on one machine: three users in three temporary homes find one another, send, ask
 * and chat. Everything goes over the loopback interface; nothing is left behind. Exit code 0 if
 * all of it worked.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const BIN = fileURLToPath(new URL("../../bin/udpchat.js", import.meta.url));
const GROUP = "224.0.1.100";
/** A port that no other udpchat on this machine uses, so that the demo meets only itself. */
const DISCOVERY_PORT = 23_000 + (process.pid % 9_000);
const PATIENCE_MS = 10_000;

const folder = mkdtempSync(join(tmpdir(), "udpchat-demo-"));
const children = new Set();

/** A command line of a user, running. Its output is gathered in `output`. */
function start(user, ...argv) {
  const child = spawn(process.execPath, [BIN, ...argv], {
    env: {
      ...process.env,
      UDPCHAT_HOME: join(folder, user),
      UDPCHAT_NAME: user,
      UDPCHAT_PORT: "0",
      UDPCHAT_DISCOVERY_PORT: String(DISCOVERY_PORT),
      UDPCHAT_INTERFACE: "lo",
      NO_COLOR: "1",
    },
  });
  children.add(child);
  const running = {
    output: "",
    type: (text) => child.stdin.write(`${text}\n`),
    endInput: () => child.stdin.end(),
    kill: () => child.kill("SIGKILL"),
    ended: new Promise((resolve) => child.once("close", resolve)),
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      running.output += text;
    });
  }
  return running;
}

/** Runs a command to its end and shows it as a terminal would. */
async function run(user, ...argv) {
  const shown = argv.map((word) => (/[\s#?]/.test(word) ? `'${word}'` : word)).join(" ");
  process.stdout.write(`\n${user}$ udpchat ${shown}\n`);
  const command = start(user, ...argv);
  command.endInput();
  const code = await command.ended;
  process.stdout.write(indent(command.output));
  if (code !== 0) throw new Error(`udpchat ${shown} ended with ${code}`);
  return command.output;
}

async function waitFor(what, isTrue) {
  const endMs = performance.now() + PATIENCE_MS;
  while (!(await isTrue())) {
    if (performance.now() > endMs) throw new Error(`waited in vain for ${what}`);
    await delay(50);
  }
}

function say(text) {
  process.stdout.write(`\n--- ${text}\n`);
}

function indent(text) {
  return text.replaceAll(/^(?=.)/gm, "    ");
}

async function demo() {
  say("Three users start their daemons.");
  for (const user of ["alice", "bob", "carol"]) await run(user, "start");

  say("They find one another.");
  const discovered = await run("alice", "discover");
  for (const name of ["bob", "carol"]) {
    if (!discovered.includes(name)) throw new Error(`alice did not find ${name}`);
  }

  say("Bob listens; Alice sends him a message and waits for its delivery.");
  const listening = start("bob", "listen");
  await waitFor("bob to listen", () => listening.output.includes("listening"));
  await run("alice", "send", "bob", "Lunch at noon?");
  await waitFor("the message", () => listening.output.includes("Lunch at noon?"));
  say("What bob sees:");
  process.stdout.write(indent(listening.output));
  listening.kill();

  say("Carol's machine answers requests with a command; Alice asks it.");
  const serving = start("carol", "serve", "--exec", "tr a-z A-Z");
  await waitFor("carol to serve", () => serving.output.includes("serving"));
  const reply = await run("alice", "ask", "carol", "is the backup done?");
  if (reply.trim() !== "IS THE BACKUP DONE?") throw new Error(`unexpected reply ${reply}`);
  serving.kill();

  say(`All three join ${GROUP} and chat.`);
  const users = ["alice", "bob", "carol"];
  const chats = users.map((user) => start(user, "join", GROUP));
  for (const [i, chat] of chats.entries()) {
    await waitFor(`${users[i]} to see all`, () => chat.output.includes("(3 online)"));
  }
  const lines = ["Good morning.", "Morning! The printer works again.", "Thanks, Bob."];
  for (const [i, text] of lines.entries()) {
    chats[i].type(text);
    const others = chats.filter((_, j) => j !== i);
    await waitFor(text, () => others.every(({ output }) => output.includes(text)));
  }
  chats[1].endInput();
  await waitFor("bob to leave", () => chats[0].output.includes("bob left"));
  for (const i of [0, 2]) chats[i].endInput();
  await Promise.all(chats.map(({ ended }) => ended));
  for (const [i, chat] of chats.entries()) {
    say(`What ${users[i]} sees (typed: ${lines[i]})`);
    process.stdout.write(indent(chat.output));
  }

  say("They stop.");
  for (const user of users) await run(user, "stop");
}

let failure;
try {
  await demo();
} catch (error) {
  failure = error;
}
for (const user of ["alice", "bob", "carol"]) {
  const stopping = start(user, "stop"); // exits 6 at once where nothing runs
  stopping.endInput();
  await stopping.ended;
}
for (const child of children) child.kill("SIGKILL");
rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
if (failure === undefined) {
  say("Everything worked, and nothing was left behind.");
} else {
  process.stderr.write(`\nThe demo failed: ${failure.message}\n`);
  process.exitCode = 1;
}
