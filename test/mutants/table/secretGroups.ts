import { mutantsOf, unit } from "../mutant.js";

/** What keeps those out of a secret group who are not in it. */
export const SECRET_GROUPS = [
  ...mutantsOf("src/crypto/groupSeal.ts", [
    {
      name: "seal of a secret group: the check of its tag",
      find: "        return undefined;\n      }\n      return datagram;",
      replace: "        return datagram;\n      }\n      return datagram;",
      why: "anybody writes into a secret group",
      caughtBy: unit("crypto/groupSeal"),
    },
  ]),
  ...mutantsOf("src/core/groups/groups.ts", [
    {
      name: "seal of a secret group: what is clear is dropped",
      find: "if (sealedGroupId === (group.name.secret ? message.groupId : undefined)) return group;",
      replace:
        "if (sealedGroupId === undefined || sealedGroupId === message.groupId) return group;",
      why: "a signed line without a seal is taken in a secret group",
      caughtBy: unit("core/groups/secretTalk"),
    },
    {
      name: "seal of a secret group: of that very group",
      find: "if (sealedGroupId === (group.name.secret ? message.groupId : undefined)) return group;",
      replace: "if (group.name.secret === (sealedGroupId !== undefined)) return group;",
      why: "a member of two groups carries lines from the one into the other",
      caughtBy: unit("core/groups/secretTalk"),
    },
  ]),
  ...mutantsOf("src/core/groups/keyExchange.ts", [
    {
      name: "removed member: has no place any more",
      find: "for (const device of this.#keyring.removed) this.#around.members.dismiss(device);",
      replace: "",
      why: "who was removed is shown as a member",
      caughtBy: unit("core/groups/secretRemoval"),
    },
    {
      name: "removed member: a key on its way is taken back",
      find: "for (const device of victims) this.#notes.withhold(nowMs, device);",
      replace: "",
      why: "two changes at once give the one's victim the key of the other",
      caughtBy: unit("core/groups/secretRemoval"),
    },
    {
      name: "removed member: not heard under a former key",
      find: "    if (this.#keyring.isRemoved(device)) {\n      this.#notes.tellRemoval(nowMs, device, key);",
      replace:
        "    if (device === undefined) {\n      this.#notes.tellRemoval(nowMs, device, key);",
      why: "who was removed talks on",
      caughtBy: unit("core/groups/secretRemoval"),
    },
    {
      name: "removed member: not back under another name",
      find: "if (!this.#hasMet(device)) {",
      replace: "if (device === undefined) {",
      why: "who was removed comes back with a new key and is given the new secret",
      caughtBy: unit("core/groups/secretRemoval"),
    },
    {
      name: "key notes: the proof",
      find: "if (!isSameDigest(key.prove(provenPart(note)), note.proof)) return false;",
      replace: "",
      why: "who has no key of the group changes it",
      caughtBy: unit("core/groups/secretNotes"),
    },
    {
      name: "key notes: the signature of who changed it",
      find: "return this.#context.verify(note.by, groupKeyStatement(note, keyId), note.signature);",
      replace: "return keyId.length > 0;",
      why: "a member removes others in somebody else's name",
      caughtBy: unit("core/groups/secretNotes"),
    },
    {
      name: "key notes: a member, if by a former key",
      find: "if (key !== this.#keyring.present && !this.#hasMet(from)) return false;",
      replace: "",
      why: "who was removed changes the key under another name",
      caughtBy: unit("core/groups/secretNotes"),
    },
    {
      name: "epoch: no leap",
      find: 'if (note.epoch === 0 || note.epoch > this.#keyring.epoch + MAX_EPOCH_LEAP) return "refused";',
      replace: "",
      why: "one note forbids all later changes",
      caughtBy: unit("core/groups/secretNotes"),
    },
    {
      name: "epoch: of two changes the same one wins everywhere",
      find: "(epoch === ourEpoch && keyId < present.id)",
      replace: "epoch === ourEpoch",
      why: "two changes at once split a group",
      caughtBy: unit("core/groups/secretRemoval"),
    },
  ]),
  ...mutantsOf("src/core/groups/keyring.ts", [
    {
      name: "retired keys: their number",
      find: "this.#retired = [...this.#retired, groupKeyOf(secret, this.#random)].slice(-MAX_RETIRED_KEYS);",
      replace: "this.#retired = [...this.#retired, groupKeyOf(secret, this.#random)];",
      why: "changes of the key fill the memory",
      caughtBy: unit("core/groups/secretNotes"),
    },
    {
      name: "retired keys: still understood",
      find: "this.retire(this.#present.secret);",
      replace: "",
      why: "who missed a change is never told of it",
      caughtBy: unit("core/groups/secretRemoval"),
    },
  ]),
  ...mutantsOf("src/core/groups/invitation.ts", [
    {
      name: "invitation: the signature",
      find: "if (!context.verify(note.by, groupKeyStatement(note, id), note.signature)) return undefined;",
      replace: "",
      why: "an invitation names somebody as its source who never made it",
      caughtBy: unit("core/groups/secretNotes"),
    },
    {
      name: "invitation: the label is that of the group",
      find: "return name.label === label && name.groupId === groupId;",
      replace: "return name.label === label;",
      why: "an invitation to one group says that it is another",
      caughtBy: unit("core/groups/secretNotes"),
    },
    {
      name: "invitation: not of a change by the blocked",
      find: "if (context.trust.isBlocked(note.by)) return undefined;",
      replace: "",
      why: "whoever was blocked lets us into groups",
      caughtBy: unit("core/groups/secretNotes"),
    },
  ]),
  ...mutantsOf("src/core/groups/syncEnvelope.ts", [
    {
      name: "history under a former key: only for who has it",
      find: "if (kept.keyId === undefined || !keyIds.includes(kept.keyId)) return undefined;",
      replace: "if (kept.keyId === undefined) return undefined;",
      why: "datagrams go to who cannot read them, and are asked for again",
      caughtBy: unit("core/groups/sync"),
    },
  ]),
  ...mutantsOf("src/core/groups/hearsay.ts", [
    {
      name: "sealed history: under a key that we have",
      find: "if (keys === undefined || keys.reads(data.device, keyId)) return true;",
      replace: "if (keys === undefined || data.device.length > 0) return true;",
      why: "what was never sealed for the group is taken for its history",
      caughtBy: unit("core/groups/archived"),
    },
  ]),
];
