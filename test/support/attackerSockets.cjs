/**
 * UDP sockets on an attacker's host, driven from outside. Arguments: the addresses to bind, each
 * `address:port`, behind how many datagrams leave per millisecond. Standard input: frames of u32 length, u16 socket, 4 bytes of address, u16 port,
 * then the payload; standard output: what arrives, in the same frames. The content of neither is
 * looked at. An empty frame comes out once all sockets are open, and for every frame to port 0
 * when its turn has come.
 */
const dgram = require("node:dgram");

const HEADER_BYTES = 8;
const [batchText, ...bindings] = process.argv.slice(2);
/** Frames sent per millisecond. */
const batch = Number(batchText);
const sockets = [];

function frame(socket, address, port, payload) {
  const header = Buffer.alloc(4 + HEADER_BYTES);
  header.writeUInt32BE(HEADER_BYTES + payload.length, 0);
  header.writeUInt16BE(socket, 4);
  for (const [i, part] of address.split(".").entries()) header[6 + i] = Number(part);
  header.writeUInt16BE(port, 10);
  return Buffer.concat([header, payload]);
}

function open(index, binding) {
  const [address, port] = binding.split(":");
  const socket = dgram.createSocket({ type: "udp4", recvBufferSize: 4 << 20 });
  socket.on("message", (bytes, from) => {
    process.stdout.write(frame(index, from.address, from.port, bytes));
  });
  socket.on("error", (error) => process.stderr.write(`${binding}: ${error.message}\n`));
  return new Promise((resolve) => {
    socket.bind(Number(port), address, () => {
      socket.setBroadcast(true);
      sockets[index] = socket;
      resolve();
    });
  });
}

let pending = Buffer.alloc(0);
const queue = [];

function send() {
  for (let i = 0; i < batch && queue.length > 0; i += 1) {
    const one = queue.shift();
    if (one.readUInt16BE(6) === 0) {
      process.stdout.write(frame(0, "0.0.0.0", 0, Buffer.alloc(0)));
      continue;
    }
    const to = `${one[2]}.${one[3]}.${one[4]}.${one[5]}`;
    sockets[one.readUInt16BE(0)].send(
      one.subarray(HEADER_BYTES),
      one.readUInt16BE(6),
      to,
      () => {},
    );
  }
}

function listen() {
  process.stdout.write(frame(0, "0.0.0.0", 0, Buffer.alloc(0)));
  setInterval(send, 1);
  process.stdin.on("data", (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    let offset = 0;
    while (pending.length - offset >= 4) {
      const length = pending.readUInt32BE(offset);
      if (pending.length - offset - 4 < length) break;
      queue.push(pending.subarray(offset + 4, offset + 4 + length));
      offset += 4 + length;
    }
    pending = pending.subarray(offset);
  });
  process.stdin.on("end", () => process.exit(0));
}

async function main() {
  await Promise.all(bindings.map((binding, index) => open(index, binding)));
  listen();
}

void main();
