/**
 * A board for the screen on the wall: who is on this network, at this moment, as a page.
 *
 *     node examples/presenceBoard.js 8080
 *
 * and open http://127.0.0.1:8080. It looks and listens, and is in nobody's roster itself.
 */
import { createServer } from "node:http";
import process from "node:process";
import { Messenger, sanitiseName } from "udpchat";

/** Of pages that are open at once: whatever comes from outside has a bound. */
const MAX_PAGES = 100;

/** Names go in as text, never as HTML. */
const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Who is here</title>
<style>
  body { font: 2rem system-ui; margin: 2rem }
  li { list-style: none; margin: 0.5rem 0 }
  .suspect { opacity: 0.5 }
  .verified::after { content: " ✓" }
  small { color: gray }
</style>
<h1>Who is here</h1>
<ul></ul>
<script>
  new EventSource("/people").onmessage = ({ data }) => {
    const rows = JSON.parse(data).map(({ name, address, state, trust }) => {
      const row = document.createElement("li");
      const where = document.createElement("small");
      row.className = state + " " + trust;
      where.textContent = " " + address;
      row.append(name, where);
      return row;
    });
    document.querySelector("ul").replaceChildren(...rows);
  };
</script>
</html>
`;

const [port = "8080"] = process.argv.slice(2);
const messenger = await Messenger.open({ ephemeral: true, announce: false, receives: false });

/** @type {Set<import("node:http").ServerResponse>} */
const pages = new Set();
const server = createServer((request, response) => {
  if (request.url === "/") {
    response.setHeader("content-type", "text/html; charset=utf-8").end(PAGE);
  } else if (request.url === "/people" && pages.size < MAX_PAGES) {
    response.setHeader("content-type", "text/event-stream").write(peopleEvent());
    pages.add(response);
    response.once("close", () => pages.delete(response));
  } else {
    response.writeHead(404).end();
  }
});
server.listen(Number(port), "127.0.0.1", () => console.log(`http://127.0.0.1:${port}`));

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stopping.abort());

// Ask once who is there; from then on those who come and go say so, and others are missed.
void lookAround();
for await (const event of messenger.events({ signal: stopping.signal })) {
  if (event.type === "presence" && event.presence.group === null) tellPages();
}
server.close();
server.closeAllConnections();
await messenger.close();

async function lookAround() {
  for await (const { name } of messenger.discover({ signal: stopping.signal })) {
    console.log(`${sanitiseName(name)} is here`);
    tellPages();
  }
}

function tellPages() {
  for (const page of pages) {
    // One that does not read would have us keep all it misses: it asks again.
    if (page.writableNeedDrain) page.destroy();
    else page.write(peopleEvent());
  }
}

/** A Server-Sent Event with all who are there. Whoever chose a name may have chosen it to deceive. */
function peopleEvent() {
  const people = messenger
    .peers()
    .filter(({ state }) => state !== "offline")
    .map(({ id, name, address, state, trust }) => {
      return { name: sanitiseName(name) || id.slice(0, 8), address, state, trust };
    })
    .toSorted((a, b) => a.name.localeCompare(b.name));
  return `data: ${JSON.stringify(people)}\n\n`;
}
