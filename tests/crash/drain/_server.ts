/**
 * A process that serves a store file until SIGTERM. Arguments: store path, drain time in ms. Prints `ready`, and
 * `closing` when it is told to end; a second SIGTERM ends it at once, as `main.ts` does.
 *
 * Cells: `holds` ends only when it is aborted, `soon` a moment after SIGTERM, any other at once with the sum of its
 * inputs and 1. With a third argument all end at once.
 */
import { openStore } from "../../../engine/store/open.ts";
import { engineOf, gate, ScriptedKind, untilAborted } from "../../engine/work/_harness.ts";

const [path, drainMs, plain] = Deno.args as [string, string, string?];
const print = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
const { store, release } = await openStore(path);
const told = gate();
const kind = new ScriptedKind(
  plain ? {} : {
    holds: untilAborted,
    soon: async ({ clock }) => {
      await told.opened;
      await clock.sleep(50);
      return { type: "succeeded", value: 1 };
    },
  },
);
const engine = await engineOf(store, kind);
let closing = false;
Deno.addSignalListener("SIGTERM", async () => {
  if (closing) Deno.exit(130);
  closing = true;
  print("closing");
  told.open();
  await engine.close(Number(drainMs));
  await release();
  Deno.exit(0);
});
print("ready");
