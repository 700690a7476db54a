import { readFile } from "node:fs/promises";

/** IFF_MULTICAST of netdevice(7). */
const IFF_MULTICAST = 0x1000;

/** Whether an interface is not made for multicast; undefined where nobody tells: beside Linux. */
export async function lacksMulticast(name: string): Promise<boolean | undefined> {
  const text = await readFile(`/sys/class/net/${name}/flags`, "utf8").catch(() => "");
  const flags = Number.parseInt(text, 16);
  return Number.isNaN(flags) ? undefined : (flags & IFF_MULTICAST) === 0;
}
