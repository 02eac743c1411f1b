/** Contents and their holders: what is collected, and what happens when somebody needs it at that moment. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { artifacts as openArtifacts } from "../../../../engine/artifacts/artifacts.ts";
import { blobFiles } from "../../../../engine/artifacts/blob_files.ts";
import { collect, markOrphan, ORPHAN_MS, sweepFiles } from "../../../../engine/artifacts/collect.ts";
import { readManifest } from "../../../../engine/artifacts/manifest.ts";
import type { Json } from "../../../../engine/base/json.ts";
import type { StoredValue } from "../../../../engine/plan/types.ts";
import { blobKey, duePrefix, holdKey } from "../../../../engine/store/keys.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import type { Store } from "../../../../engine/store/store.ts";
import { holdsOf } from "../../../../engine/work/upkeep/names.ts";
import { retain } from "../../../../engine/work/upkeep/retain.ts";
import { ManualClock } from "../../../_support/manual_clock.ts";
import { withMethods } from "../_harness.ts";
import { benchOf, DAY, dump, keysWith, make } from "./_harness.ts";

const hashOf = (stored: StoredValue) => (stored as { sha256: string }).sha256;
const due = async (store: Store) => (await Array.fromAsync(store.list(duePrefix("blob"))))[0]!.key;

/** Sizes: one write, several writes, more parts than one commit deletes, and a file. */
const SIZES: [string, Json, boolean][] = [
  ["small", "x".repeat(9_000), false],
  ["of several writes", "y".repeat(2_000_000), false],
  ["of more parts than a commit", "z".repeat(31_000_000), false],
  ["in a file", "f".repeat(1_100_000), true],
];

for (const [name, value, inFile] of SIZES) {
  Deno.test(`C3 EN-1802 a content ${name} without holder is marked, and is gone with all its parts an hour later`, async () => {
    const folder = await Deno.makeTempDir({ prefix: "weft-collect-" });
    try {
      const clock = new ManualClock();
      const store = memoryStore({ clock });
      const { ports, artifacts } = await benchOf(store, clock, {}, inFile ? folder : undefined);
      const empty = await dump(store);
      const sha = hashOf(await artifacts.put(value));
      await markOrphan(ports, sha);
      const at = await due(store);
      assertEquals(await collect(ports, "blob", sha, at), false, "not before its hour");
      await markOrphan(ports, sha);
      await clock.advance(ORPHAN_MS);
      assertEquals(await collect(ports, "blob", sha, at), true);
      assertEquals(await dump(store), empty);
      if (inFile) assertEquals([...Deno.readDirSync(`${folder}/${sha.slice(0, 2)}`)], []);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("C3 EN-1802 a content that gets a holder within the hour stays and loses its mark", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const { ports, artifacts } = await benchOf(store, clock);
  const stored = await artifacts.put("x".repeat(9_000));
  const sha = hashOf(stored);
  await markOrphan(ports, sha);
  const at = await due(store);
  await store.submit(holdsOf("run_1", [sha], clock.now()), []);
  await clock.advance(ORPHAN_MS);
  assertEquals(await collect(ports, "blob", sha, at), false);
  assertEquals(readManifest((await store.get([blobKey(sha)]))[0]!).orphanedAt, undefined);
  assertEquals(await keysWith(store, '"due"'), []);
  assertEquals(await artifacts.get(stored), "x".repeat(9_000));
});

Deno.test("C3 a text with the bytes of a value shares its parts: they stay as long as one of them", async () => {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const { ports, artifacts } = await benchOf(store, clock);
  const text = JSON.stringify("x".repeat(9_000));
  const sha = hashOf(await artifacts.put("x".repeat(9_000)));
  assertEquals(await artifacts.putText(text), sha);
  await markOrphan(ports, sha);
  await clock.advance(ORPHAN_MS);
  // Whoever puts the text again takes its mark away; the value goes alone.
  await artifacts.putText(text);
  assertEquals(await collect(ports, "blob", sha, await due(store)), true);
  assertEquals(await artifacts.getText(sha), text);
});

/**
 * The store as one actor sees it: before its n-th call the other actor acts as a whole.
 */
function interrupted(store: Store, at: number, other: () => Promise<void>): Store {
  let left = at;
  const before = async () => {
    if (--left === 0) await other();
  };
  return withMethods(store, {
    get: async (keys) => (await before(), await store.get(keys)),
    submit: async (puts, unless) => (await before(), await store.submit(puts, unless)),
    list: (prefix, options) => {
      const from = store.list(prefix, options);
      return (async function* () {
        await before();
        yield* from;
      })();
    },
  });
}

for (const [name, value, inFile] of SIZES.filter(([name]) => !name.includes("more parts"))) {
  Deno.test(`C3 a put of a content ${name} that races with its deletion, at every step of either, is readable`, async () => {
    const folder = await Deno.makeTempDir({ prefix: "weft-race-" });
    const where = inFile ? folder : undefined;
    try {
      for (const [leader, steps] of [["collector", 12], ["putter", 12]] as const) {
        for (let at = 1; at <= steps; at++) {
          const clock = new ManualClock();
          const store = memoryStore({ clock });
          const { ports, session } = await benchOf(store, clock, {}, where);
          const first = openArtifacts({ store, clock, ...where === undefined ? {} : { folder: where } });
          const stored = await first.put(value);
          const sha = hashOf(stored);
          await markOrphan(ports, sha);
          await clock.advance(ORPHAN_MS);
          const key = await due(store);
          const putAndName = async (through: Store) => {
            const { put } = openArtifacts({
              store: through,
              clock,
              ...where === undefined ? {} : { folder: where },
            });
            await put(value);
            await store.submit(holdsOf("run_1", [sha], clock.now()), []);
          };
          const collecting = async (through: Store) => {
            const write: typeof ports.write = async (checks, puts, deletes) => {
              // The call before which the other acts may be the commit.
              if (through !== store) await through.get([]);
              return await store.commit(session, checks, puts, deletes) === "ok";
            };
            const files = ports.files && {
              ...ports.files,
              remove: async (name: string) => {
                await through.get([]);
                await ports.files!.remove(name);
              },
            };
            await collect({ ...ports, store: through, write, ...files && { files } }, "blob", sha, key);
          };
          if (leader === "collector") {
            await collecting(interrupted(store, at, () => putAndName(store)));
            if ((await store.get([holdKey(sha, "run_1")]))[0] === undefined) await putAndName(store);
          } else {
            let acted = false;
            await putAndName(interrupted(store, at, async () => {
              acted = true;
              await collecting(store);
            }));
            if (!acted) await collecting(store);
          }
          assertEquals(await first.get(stored), value, `${leader} interrupted at ${at}`);
          await sweepFiles(ports);
          assertEquals(await first.get(stored), value, `${leader} interrupted at ${at}, swept`);
        }
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("SG-104 files that no manifest names go after an hour, those that one names stay", async () => {
  const folder = await Deno.makeTempDir({ prefix: "weft-sweep-" });
  try {
    const store = memoryStore();
    const now = Date.now();
    const clock = new ManualClock(now);
    const { ports, artifacts } = await benchOf(store, clock, {}, folder);
    const stored = await artifacts.put("f".repeat(1_100_000));
    const home = `${folder}/${hashOf(stored).slice(0, 2)}`;
    const stray = await blobFiles(folder).write(hashOf(stored), new Uint8Array(3));
    assert(stray !== hashOf(stored), "a name that is taken is not written again");
    await Deno.writeTextFile(`${home}/tmp-abc1`, "half");
    await Deno.writeTextFile(`${home}/notes.txt`, "not ours");
    const names = () => [...Deno.readDirSync(home)].map(({ name }) => name).toSorted();
    const all = names();
    await sweepFiles(ports);
    assertEquals(names(), all);
    await clock.advance(ORPHAN_MS + 60_000);
    await sweepFiles(ports);
    assertEquals(names(), [hashOf(stored), "notes.txt"].toSorted());
    assertEquals((await artifacts.get(stored) as string).length, 1_100_000);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("C3 P: however runs that share values come and go, every value a run names can be read, and in the end nothing is left", async () => {
  const op = fc.oneof(
    fc.record({ op: fc.constant("run" as const), value: fc.nat(3), days: fc.nat(3) }),
    fc.record({ op: fc.constant("reuse" as const), of: fc.nat(9), days: fc.nat(3) }),
    fc.record({ op: fc.constant("pass" as const), hours: fc.nat(30) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(op, { minLength: 4, maxLength: 25 }), async (ops) => {
      const clock = new ManualClock();
      const store = memoryStore({ clock });
      const bench = await benchOf(store, clock, { keepRuns: 0, keepFramesDays: 99 });
      const empty = await dump(store);
      const named = new Map<string, StoredValue>();
      const check = async () => {
        for (const [run, value] of named) {
          if (await bench.journals.head(run) === undefined) named.delete(run);
          else await bench.artifacts.get(value);
        }
      };
      for (const [i, act] of ops.entries()) {
        const [id, now] = [`run_${i}`, clock.now()];
        if (act.op === "pass") {
          await clock.advance(act.hours * 3_600_000);
          await retain(bench.ports, true);
        } else if (act.op === "run") {
          const value = `${act.value}`.repeat(9_000);
          const head = { retention: { keepDays: act.days } };
          await make(bench, { id, createdAt: now, endedAt: now, value, head });
          named.set(id, await bench.artifacts.put(value));
        } else {
          const [run, value] = [...named][act.of % Math.max(named.size, 1)] ?? [];
          if (run === undefined || value === undefined || await bench.journals.head(run) === undefined) {
            continue;
          }
          const head = { retention: { keepDays: act.days } };
          await make(bench, { id, createdAt: now, endedAt: now, reuse: { run, value }, head });
          named.set(id, value);
        }
        await check();
      }
      for (let day = 0; day < 6; day++) {
        await clock.advance(DAY);
        await retain(bench.ports, true);
        await check();
      }
      assertEquals(await dump(store), empty);
    }),
    { numRuns: 60 },
  );
});
