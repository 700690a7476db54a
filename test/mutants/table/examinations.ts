import { mutantsOf, unit } from "../mutant.js";

const CAUGHT_BY = unit("core/examination/examinations");

/** What keeps examinations honest and small. */
export const EXAMINATIONS = [
  ...mutantsOf("src/core/examination/examinations.ts", [
    {
      name: "examinations: so many a second of a device",
      find: "this.#perDevice.take(nowMs, from.id)",
      replace: "from.id !== ''",
      why: "a peer has us broadcast without end",
      caughtBy: CAUGHT_BY,
    },
    {
      name: "examinations: so many at once",
      find: 'this.#count("answering") < MAX_ANSWERING &&\n      this.#perDevice.take(nowMs, from.id) &&\n      this.#inAll.take(nowMs);',
      replace: "this.#perDevice.take(nowMs, from.id);",
      why: "many peers have us broadcast without end",
      caughtBy: CAUGHT_BY,
    },
    {
      name: "examinations: none for who is blocked",
      find: "else this.#forget(run);\n    }",
      replace: "else run.probing?.send(0);\n    }",
      why: "who was blocked is still sent probes",
      caughtBy: CAUGHT_BY,
    },
  ]),
  ...mutantsOf("src/core/examination/probeWays.ts", [
    {
      name: "probes: they came the way that they were sent",
      find: '(via === "data") === (to === "peer") && ',
      replace: "via !== undefined && to !== undefined && ",
      why: "a broadcast that somebody passes on by unicast looks as if it had passed",
      caughtBy: CAUGHT_BY,
    },
  ]),
  ...mutantsOf("src/core/examination/probing.ts", [
    {
      name: "probes: each counts once",
      find: "    this.#expected.delete(token);\n",
      replace: "",
      why: "one probe that is repeated looks like all of them",
      caughtBy: CAUGHT_BY,
    },
  ]),
];
