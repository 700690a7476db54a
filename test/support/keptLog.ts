import type { CoreEvent } from "../../src/core/io.js";
import { MemoryGroupLog } from "../../src/store/memoryGroupLog.js";

/** A group log that does what the events of a core tell, as a driver does. */
export class KeptLog extends MemoryGroupLog {
  settle(events: readonly CoreEvent[]): void {
    for (const event of events) {
      if (event.kind === "groupDatagram") {
        const { groupId, of, hlc, sequence, bytes, keyId } = event;
        this.append(groupId, of, hlc, { sequence, bytes, keyId });
      } else if (event.kind === "groupForgotten") {
        this.forget(event.groupId, event.of, event.upToSequence);
      }
    }
  }
}
