/**
 * udpchat: discovery, delivery and group chat for one local network, with no server.
 *
 * ```js
 * import { Messenger } from "udpchat";
 *
 * const messenger = await Messenger.open({ name: "alice" });
 * for await (const peer of messenger.discover()) {
 *   console.log(`${peer.name} at ${peer.address}:${peer.port}`);
 *   const delivery = await messenger.send(peer.id, "hello");
 *   console.log(`delivered in ${delivery.rttMs} ms`);
 * }
 * const group = await messenger.join("224.0.1.100");
 * await group.say("good morning, everybody");
 * await messenger.close();
 * ```
 *
 * @module
 */
export {
  type ErrorCode,
  type Fault,
  isErrorCode,
  UdpchatError,
  type UdpchatErrorOptions,
} from "./errors.js";
export { HistoryDesk, type HistoryDeskOptions } from "./messenger/historyDesk.js";
export { Messenger } from "./messenger/messenger.js";
export {
  exchangePlain,
  type PlainExchangeOptions,
  type PlainReply,
} from "./messenger/plainExchange.js";
export type {
  ChangeableOptions,
  Delivered,
  Delivery,
  Examination,
  ExaminedWay,
  FoundVia,
  Gap,
  Group,
  GroupTransport,
  HandleOptions,
  HistoryMessage,
  HistoryOptions,
  IdentifiedPeer,
  Invitation,
  Invited,
  JoinOptions,
  LanAddress,
  LanInterface,
  Limits,
  Message,
  MessengerApi,
  MessengerEvent,
  MessengerOptions,
  MessengerStatus,
  Peer,
  PeerRef,
  PeerState,
  PeerTrust,
  Presence,
  Progress,
  Queued,
  Receipt,
  Removal,
  Reply,
  Request,
  RequestHandler,
  SendOptions,
  Undelivered,
  Verification,
  WaitOptions,
  Warning,
} from "./messenger/types.js";
export {
  DEFAULT_DATA_PORT,
  DEFAULT_DISCOVERY_PORT,
  DEFAULT_GROUP_ADDRESS,
  MAX_MESSAGE_BYTES,
  MAX_NAME_BYTES,
  UndeliveredError,
} from "./messenger/types.js";
export { sanitiseName, sanitiseText } from "./sanitise.js";
