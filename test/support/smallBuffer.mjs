// Preloaded: the kernel is asked for little, and so grants little, as where net.core.rmem_max is
// small: in a network namespace it cannot be lowered.
import { Socket } from "node:dgram";

const SMALL_BYTES = 48 * 1024;
const setRecvBufferSize = Socket.prototype.setRecvBufferSize;
Socket.prototype.setRecvBufferSize = function (sizeBytes) {
  setRecvBufferSize.call(this, Math.min(sizeBytes, SMALL_BYTES));
};
