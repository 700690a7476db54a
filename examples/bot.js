/**
 * A bot that tells how its machine is. It answers requests, direct messages, and whoever calls it by
 * its name in a group:
 *
 *     node examples/bot.js ./clerk '#ops'
 *     udpchat ask clerk uptime
 *     udpchat send clerk load
 *     udpchat say '#ops' 'clerk: time'
 *
 * The first word is the folder of its key: whoever knows the bot knows it again after a restart.
 */
import { freemem, hostname, loadavg, totalmem, uptime } from "node:os";
import process from "node:process";
import { Messenger, UdpchatError } from "udpchat";

/**
 * What it knows. What others write only chooses among these; none of it reaches a shell or a file.
 * @type {ReadonlyMap<string, () => string>}
 */
const ANSWERS = new Map([
  ["time", () => new Date().toISOString()],
  ["uptime", () => `${hostname()} is up for ${(uptime() / 3600).toFixed(1)} hours`],
  ["load", () => `${hostname()} has a load of ${loadavg()[0]?.toFixed(2)}`],
  ["memory", () => `${Math.round((100 * freemem()) / totalmem())} % of its memory is free`],
]);

const [home = "./clerk", ...groupNames] = process.argv.slice(2);
const messenger = await Messenger.open({ home, name: "clerk" });
const groups = new Map();
for (const name of groupNames) {
  const group = await messenger.join(name);
  groups.set(group.label, group);
}
const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stopping.abort());
console.log(`clerk is there: ${messenger.id}`);

// Who asks waits for an answer: it gets one in any case.
messenger.handle(({ text }) => answer(text) ?? `I know ${[...ANSWERS.keys()].join(", ")}`);

// Who writes does not: what it does not understand the bot passes over, and so two bots that meet
// do not tell each other for ever that they understand nothing. Plain text comes from anywhere.
for await (const event of messenger.events({ signal: stopping.signal })) {
  if (event.type !== "message" || event.message.late) continue;
  const { scope, from, group, text } = event.message;
  const called = `${messenger.name}: `;
  if (scope === "direct" && from.id !== null) {
    const reply = answer(text);
    const { id } = from;
    if (reply !== undefined) await tolerating(() => messenger.send(id, reply));
  } else if (scope === "group" && text.startsWith(called)) {
    const reply = answer(text.slice(called.length));
    if (reply !== undefined)
      await tolerating(() => groups.get(group)?.say(`${from.name}: ${reply}`));
  }
}
await messenger.close();

/** @param {string} question */
function answer(question) {
  return ANSWERS.get(question.trim().toLowerCase())?.();
}

/**
 * Who wrote may be gone by now, which must not end the bot.
 * @param {() => Promise<unknown> | undefined} say
 */
async function tolerating(say) {
  try {
    await say();
  } catch (error) {
    if (!(error instanceof UdpchatError) || error.fault === "ours") throw error;
    console.error(`nobody heard it: ${error.code}`);
  }
}
