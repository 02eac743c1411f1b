import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { artifacts, MAX_VALUE_BYTES } from "../../../engine/artifacts/artifacts.ts";
import { EngineError } from "../../../engine/base/errors.ts";
import { readManifest } from "../../../engine/artifacts/manifest.ts";
import { onFault } from "../../../engine/base/faults.ts";
import { sha256 } from "../../../engine/base/hash.ts";
import { canonicalJson, type Json } from "../../../engine/base/json.ts";
import type { StoredValue } from "../../../engine/plan/types.ts";
import { blobKey, chunkKey, versionKey } from "../../../engine/store/keys.ts";
import { memoryStore } from "../../../engine/store/memory.ts";
import type { Key, Put, Store } from "../../../engine/store/store.ts";
import { encodeRecord } from "../../../engine/store/codec.ts";
import { keysOf } from "../../contracts/store/read.ts";

const MIB = 1024 * 1024;
/** Text whose JSON has exactly `bytes` bytes. */
const jsonOf = (bytes: number) => "x".repeat(bytes - 2);

async function inFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "weft-blobs-" });
  try {
    await act(`${folder}/blobs`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function assertCode(code: string, act: () => Promise<unknown>): Promise<void> {
  const error = await assertRejects(act, EngineError);
  assertEquals(error.code, code);
}

const hashOf = (stored: StoredValue) => "sha256" in stored ? stored.sha256 : undefined;

Deno.test("EN-112 a value up to 8192 bytes of JSON is inline, one more is named by hash", async () => {
  const store = memoryStore();
  const { put, get } = artifacts({ store });
  assertEquals(await put(jsonOf(8192)), { inline: jsonOf(8192) });
  assertEquals(await keysOf(store, []), []);
  const value = jsonOf(8193);
  const stored = await put(value);
  assertEquals(stored, { sha256: sha256(canonicalJson(value)), bytes: 8193 });
  assertEquals(await get(stored), value);
  assertEquals(hashOf(await put("é".repeat(4096))) !== undefined, true, "bytes are counted, not characters");
});

Deno.test("EN-112 values of every size come back equal, with and without a folder", async () => {
  await inFolder(async (folder) => {
    for (const store of [artifacts({ store: memoryStore() }), artifacts({ store: memoryStore(), folder })]) {
      for (const bytes of [4, 8192, 60_000, 60_001, 120_000, MIB, MIB + 1, 3 * MIB]) {
        const value = { text: "\u{1f600}" + jsonOf(bytes), list: [null, false, 0, ""] };
        assertEquals(await store.get(await store.put(value)), value);
      }
    }
  });
});

Deno.test("equal values have one place, whatever the order of their keys", async () => {
  const store = memoryStore();
  const { put } = artifacts({ store });
  const big = jsonOf(100_000);
  const first = await put({ a: 1, b: big });
  const before = await keysOf(store, []);
  assertEquals(await put({ b: big, a: 1 }), first);
  assertEquals(await keysOf(store, []), before);
});

Deno.test("above 1 MiB a value is a private file, whole under its name, and nothing else is left", async () => {
  await inFolder(async (folder) => {
    const store = memoryStore();
    const { put, get } = artifacts({ store, folder });
    const value = jsonOf(MIB + 1);
    const stored = await put(value);
    const hash = hashOf(stored)!;
    assertEquals(await keysOf(store, []), [blobKey(hash)]);
    const names = [...Deno.readDirSync(`${folder}/${hash.slice(0, 2)}`)].map(({ name }) => name);
    assertEquals(names, [hash]);
    const path = `${folder}/${hash.slice(0, 2)}/${hash}`;
    assertEquals(((await Deno.stat(path)).mode! & 0o777).toString(8), "600");
    assertEquals(((await Deno.stat(folder)).mode! & 0o777).toString(8), "700");
    assertEquals(await get(stored), value);

    await Deno.writeTextFile(path, canonicalJson("y".repeat(MIB - 1)));
    await assertCode("store_corrupt", () => get(stored));
    await Deno.truncate(path, 100);
    await assertCode("store_corrupt", () => get(stored));
    await Deno.remove(path);
    await assertCode("store_corrupt", () => get(stored));
    await Deno.symlink("/dev/zero", path);
    await assertCode("store_corrupt", () => get(stored));
    await assertCode("store_corrupt", () => artifacts({ store }).get(stored));
  });
});

Deno.test("bytes that are gone, changed, cut or too many are store_corrupt", async () => {
  const value = jsonOf(150_000);
  const damages: [string, (hash: string) => { key: (string | number)[]; value?: Uint8Array }][] = [
    ["manifest gone", (hash) => ({ key: [...blobKey(hash)] })],
    ["part gone", (hash) => ({ key: [...chunkKey(hash, 1)] })],
    ["part changed", (hash) => ({ key: [...chunkKey(hash, 1)], value: new Uint8Array(60_000) })],
    ["part cut", (hash) => ({ key: [...chunkKey(hash, 1)], value: new Uint8Array(5) })],
    ["part too long", (hash) => ({ key: [...chunkKey(hash, 2)], value: new Uint8Array(60_000) })],
    ["manifest no record", (hash) => ({ key: [...blobKey(hash)], value: new Uint8Array(3) })],
    ["manifest of too many bytes", (hash) => {
      return { key: [...blobKey(hash)], value: encodeRecord({ bytes: 1e12, chunks: 3 }) };
    }],
    ["manifest of another length", (hash) => {
      return { key: [...blobKey(hash)], value: encodeRecord({ bytes: 150_001, chunks: 3 }) };
    }],
    ["manifest with a count that is none", (hash) => {
      return { key: [...blobKey(hash)], value: encodeRecord({ bytes: 150_000, chunks: -1 }) };
    }],
  ];
  for (const [name, damage] of damages) {
    const store = memoryStore();
    const { put, get } = artifacts({ store });
    const stored = await put(value);
    const { key, value: bytes } = damage(hashOf(stored)!);
    const session = (await store.openSession("w", 1000, ""))!;
    await store.commit(session, [], bytes === undefined ? [] : [{ key, value: bytes }], bytes ? [] : [key]);
    const error = await assertRejects(() => get(stored), EngineError, undefined, name);
    assertEquals(error.code, "store_corrupt", name);
  }
});

Deno.test("C3 a value killed at any of its writes is not relied on by the next put of it", async () => {
  const value = jsonOf(2 * MIB);
  for (let killAt = 1;; killAt++) {
    const store = memoryStore();
    const { put, get } = artifacts({ store });
    const submit = store.submit.bind(store);
    let left = killAt;
    store.submit = (puts, unless) => {
      if (--left === 0) throw new Error("killed");
      return submit(puts, unless);
    };
    const killed = await put(value).then(() => false, () => true);
    store.submit = submit;
    for await (const entry of store.list(["blob"])) {
      assertEquals(readManifest(entry).orphanedAt !== undefined, killed, `killed at ${killAt}`);
    }
    assertEquals(await get(await put(value)), value);
    const [manifest] = await Array.fromAsync(store.list(["blob"]));
    assertEquals(readManifest(manifest!).orphanedAt, undefined);
    if (!killed) return assertEquals(killAt, 5, "a value of 2 MiB takes four writes");
  }
});

Deno.test("the fault point artifact.written is passed once for each new content, when it is durable", async () => {
  const store = memoryStore();
  const { put } = artifacts({ store });
  const points: string[] = [];
  const off = onFault((point) => points.push(point));
  try {
    await put("small");
    assertEquals(points, []);
    await put(jsonOf(9000));
    await put(jsonOf(9000));
    assertEquals(points, ["artifact.written"]);
  } finally {
    off();
  }
});

Deno.test("EN-2401 a value over 64 MiB is refused before any write", async () => {
  const store = memoryStore();
  await assertCode("body_too_large", () => artifacts({ store }).put("x".repeat(MAX_VALUE_BYTES)));
  assertEquals(await keysOf(store, []), []);
});

Deno.test("a notebook's text is kept by its hash, exactly, at any length", async () => {
  const store = memoryStore();
  const { putText, getText } = artifacts({ store });
  for (const text of ["", "\ufeff# Title\r\ntext\0\u{10ffff}\n", "long ".repeat(100_000)]) {
    const version = await putText(text);
    assertEquals(version, sha256(text));
    assertEquals(await getText(version), text);
    assertEquals(await putText(text), version);
  }
  assertEquals((await store.get([versionKey(sha256(""))]))[0] !== undefined, true);
  await assertCode("version_not_found", () => getText(sha256("another")));
});

Deno.test("a value and a text with the same bytes do not disturb each other", async () => {
  const { put, get, putText, getText } = artifacts({ store: memoryStore() });
  const value = jsonOf(70_000);
  const stored = await put(value);
  const version = await putText(canonicalJson(value));
  assertEquals(version, hashOf(stored));
  assertEquals(await get(stored), value);
  assertEquals(await getText(version), canonicalJson(value));
});

Deno.test("EN-112 any JSON comes back equal", async () => {
  const { put, get } = artifacts({ store: memoryStore() });
  await fc.assert(
    fc.asyncProperty(fc.jsonValue({ maxDepth: 4 }), async (json) => {
      const value = [JSON.parse(JSON.stringify(json)), jsonOf(9000)] as Json;
      const stored = await put(value);
      assert("sha256" in stored);
      assertEquals(await get(stored), value);
    }),
    { numRuns: 50 },
  );
});

Deno.test("EN-201 what many records name is stored by hash, and written and looked for once", async () => {
  const store = memoryStore();
  let asked = 0;
  const counted: Store = Object.assign(Object.create(store) as Store, {
    get: (keys: readonly Key[]) => (asked++, store.get(keys)),
    submit: (puts: readonly Put[], unless: readonly Key[]) => (asked++, store.submit(puts, unless)),
  });
  let now = 0;
  const { putShared, putText, get } = artifacts({
    store: counted,
    clock: { now: () => now, monotonic: () => now },
  });
  const plan = { steps: ["a"] };
  const stored = await putShared(plan);
  assertEquals(await get(stored), plan);
  assert("sha256" in stored);
  asked = 0;
  assertEquals(await putShared(plan), stored);
  assertEquals(await putShared({ steps: ["a"] }), stored);
  assertEquals(asked, 0);
  // A text of the same bytes is another thing in the store.
  assertEquals(await putText('{"steps":["a"]}'), stored.sha256);
  assert(asked > 0);
  now = 3_600_000;
  asked = 0;
  assertEquals(await putShared(plan), stored);
  assertEquals(asked, 1);
});
