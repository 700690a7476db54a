import type { GroupKeyStore } from "../../src/store/groupKeys.js";
import type { Store } from "../../src/store/store.js";

/**
 * A home as one process has it: a change of group keys is on the disk a while after it was wanted,
 * one after the other; what is not there when the process ends is lost.
 * @param written resolves when a change that begins now would be on the disk; never, once the
 *   process is gone
 */
export function lateHome(home: Store, written: () => Promise<void>): Store {
  return { ...home, groupKeys: lateKeys(home.groupKeys, written) };
}

function lateKeys(keys: GroupKeyStore, written: () => Promise<void>): GroupKeyStore {
  let previous: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(step: () => Promise<T>): Promise<T> => {
    const turn = previous.then(step);
    previous = turn.catch(() => undefined);
    return turn;
  };
  const late = <T>(change: () => Promise<T>): Promise<T> =>
    inTurn(async () => {
      await written();
      return change();
    });
  return {
    list: () => inTurn(() => keys.list()),
    keep: (label, kept) => late(() => keys.keep(label, kept)),
    update: (label, updated) => late(() => keys.update(label, updated)),
    lock: (label) => late(() => keys.lock(label)),
    forget: (label) => late(() => keys.forget(label)),
    invite: (invitation) => late(() => keys.invite(invitation)),
  };
}
