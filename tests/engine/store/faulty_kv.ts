/** A Deno KV whose writes go wrong on purpose, on their way there or on their way back. */
import type { Kv } from "../../../engine/store/deno_kv.ts";
import type { Fault } from "../../contracts/store/stage.ts";

/** Takes one of `faults` for each write, until there are none. */
export function faultyKv(kv: Kv, faults: (Fault | undefined)[]): Kv {
  return {
    getMany: <T extends readonly unknown[]>(...args: Parameters<typeof kv.getMany<T>>) => {
      if (faults[0] !== "unreadable") return kv.getMany<T>(...args);
      faults.shift();
      return Promise.reject(new TypeError("connection reset"));
    },
    list: kv.list.bind(kv),
    close: () => kv.close(),
    atomic() {
      const atomic = kv.atomic();
      const commit = atomic.commit.bind(atomic);
      atomic.commit = async () => {
        const fault = faults.shift();
        if (fault === "locked") throw new TypeError("database is locked");
        if (fault === "lost before") throw new TypeError("connection reset before the request");
        const result = await commit();
        if (fault === "lost after") throw new TypeError("connection reset before the answer");
        return result;
      };
      return atomic;
    },
  };
}
