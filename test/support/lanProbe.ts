/**
 * A `NodeLan` in a process of its own, for tests in network namespaces. The one argument is its
 * `LanOptions` as JSON; commands come as JSON lines on standard input, what happens goes as JSON
 * lines to standard output. See `LanProbe` in lanProbeProcess.ts for both.
 */
import { createInterface } from "node:readline";
import type { LanAddress, LanOptions } from "../../src/net/lan.js";
import { openLan } from "../../src/net/nodeLan.js";

export type ProbeCommand =
  | { readonly do: "lan"; readonly text: string }
  | { readonly do: "unicast"; readonly text: string; readonly to: LanAddress }
  | { readonly do: "multicast"; readonly text: string; readonly to: LanAddress }
  | { readonly do: "join"; readonly group: LanAddress };

export type ProbeReport =
  | { readonly type: "ready"; readonly dataPort: number; readonly addresses: readonly string[] }
  | {
      readonly type: "datagram";
      readonly text: string;
      readonly from: LanAddress;
      readonly via: string;
      readonly onLink: boolean;
    }
  | { readonly type: "interfaces"; readonly addresses: readonly string[] }
  | { readonly type: "trouble"; readonly where: string; readonly code: string }
  | { readonly type: "joined" };

function report(entry: ProbeReport): void {
  process.stdout.write(`${JSON.stringify(entry)}\n`);
}

async function main(options: LanOptions): Promise<void> {
  const lan = await openLan(options, {
    datagram: ({ bytes, from, via, onLink }) =>
      report({ type: "datagram", text: Buffer.from(bytes).toString(), from, via, onLink }),
    interfacesChanged: (interfaces) =>
      report({ type: "interfaces", addresses: interfaces.map(({ address }) => address) }),
    trouble: ({ where, code }) => report({ type: "trouble", where, code }),
  });
  const addresses = lan.interfaces().map(({ address }) => address);
  report({ type: "ready", dataPort: lan.dataPort, addresses });
  for await (const line of createInterface({ input: process.stdin })) {
    const command: ProbeCommand = JSON.parse(line);
    switch (command.do) {
      case "lan":
        lan.sendLan(Buffer.from(command.text));
        break;
      case "unicast":
        lan.sendUnicast(Buffer.from(command.text), command.to);
        break;
      case "multicast":
        lan.sendMulticast(Buffer.from(command.text), command.to);
        break;
      case "join":
        await lan.joinGroup(command.group);
        report({ type: "joined" });
    }
  }
  await lan.close();
}

await main(JSON.parse(process.argv[2] ?? "{}"));
