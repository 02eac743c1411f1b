/** What the tests of locks and kills start as another process: `child.ts hold|commit PATH`. */
import { openStore } from "../../../engine/store/open.ts";
import { encodeRecord } from "../../../engine/store/codec.ts";
import { eventKey, runKey } from "../../../engine/store/keys.ts";

const [task, path] = Deno.args;
const { store } = await openStore(path!);
const say = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));

if (task === "hold") {
  say("held");
  await Deno.stdin.read(new Uint8Array(1));
  Deno.exit(0);
}

// Numbered turns of three records that must stand or fall together; a turn is said only when it is acknowledged.
const session = (await store.openSession("wrk_child", 60_000, ""))!;
const [head] = await store.get([runKey("r")]);
let turn = head === undefined ? 0 : Number(new TextDecoder().decode(head.value));
for (;;) {
  turn++;
  const filler = "x".repeat(turn * 37 % 20_000);
  const puts = [
    { key: eventKey("r", turn), value: encodeRecord({ turn, filler }) },
    { key: eventKey("copy", turn), value: encodeRecord({ turn, filler }) },
    { key: runKey("r"), value: new TextEncoder().encode(String(turn)) },
  ];
  if (await store.commit(session, [], puts, []) !== "ok") Deno.exit(1);
  say(String(turn));
}
