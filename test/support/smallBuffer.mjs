// Preloaded: the kernel is asked for little, and so grants little, as where net.core.rmem_max is
// small: in a network namespace that cannot be lowered.
import { Socket } from "node:dgram";

const SMALL_BYTES = 48 * 1024;
const original = Object.getOwnPropertyDescriptor(Socket.prototype, "setRecvBufferSize")?.value;
Socket.prototype.setRecvBufferSize = function (sizeBytes) {
  Reflect.apply(original, this, [Math.min(sizeBytes, SMALL_BYTES)]);
};
