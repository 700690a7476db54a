import { open } from "node:fs/promises";

/**
 * The text of a file that has at most `maxBytes`; undefined for a larger one, which is not read:
 * what a broken disk or another program put there must not fill our memory.
 * @throws what the file system says
 */
export async function readSmallFile(path: string, maxBytes: number): Promise<string | undefined> {
  const file = await open(path, "r");
  try {
    const stats = await file.stat();
    if (stats.isFile() && stats.size > maxBytes) return undefined;
    const chunks: Uint8Array[] = [];
    let sizeBytes = 0;
    // A device says that it has no bytes at all: `end` is the last one that is read.
    for await (const chunk of file.createReadStream({ end: maxBytes, autoClose: false })) {
      if (!(chunk instanceof Uint8Array)) continue;
      sizeBytes += chunk.length;
      chunks.push(chunk);
    }
    return sizeBytes > maxBytes ? undefined : Buffer.concat(chunks).toString("utf8");
  } finally {
    await file.close();
  }
}
