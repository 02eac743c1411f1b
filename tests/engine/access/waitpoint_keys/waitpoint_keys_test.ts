/** Secrets of waitpoint tokens: what holds when, and where they are kept. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { EngineError } from "../../../../engine/base/errors.ts";
import {
  cleaned,
  currentKey,
  holdsAt,
  revoked,
  type Ring,
  rotated,
  validKey,
} from "../../../../engine/access/waitpoint_keys/ring.ts";
import { isTokenOf, kidOf, tokenOf } from "../../../../engine/access/waitpoint_keys/token.ts";
import { openWaitpointKeys } from "../../../../engine/access/waitpoint_keys/waitpoint_keys.ts";
import { ManualClock } from "../../../_support/manual_clock.ts";

const SUBJECT = { run: "run_1", step: "ok", attempt: 1, waitpoint: "wp_1_1", createdAt: 5, expiresAt: 9 };
const KEY = { kid: "k1", secret: "ab".repeat(32) };
const DAY = 86_400_000;

Deno.test("EN-1003 a token is w1, the name of its secret and a MAC over all that it stands for", () => {
  const token = tokenOf(SUBJECT, KEY);
  assert(/^w1\.k1\.[A-Za-z0-9_-]{43}$/.test(token), token);
  assertEquals([kidOf(token), isTokenOf(token, SUBJECT, KEY.secret)], ["k1", true]);
  const others = [
    { run: "run_2" },
    { step: "no" },
    { attempt: 2 },
    { waitpoint: "wp_1_2" },
    { createdAt: 6 },
    {
      expiresAt: 10,
    },
  ];
  for (const other of others) {
    assertEquals(isTokenOf(token, { ...SUBJECT, ...other }, KEY.secret), false, JSON.stringify(other));
  }
  assertEquals(isTokenOf(token, SUBJECT, "cd".repeat(32)), false);
  for (
    const bad of [
      "",
      "w1.k1.",
      `${token}x`,
      token.slice(0, -1),
      `w2${token.slice(2)}`,
      "w1.k1." + "A".repeat(43),
      "x".repeat(500),
    ]
  ) {
    assertEquals(isTokenOf(bad, SUBJECT, KEY.secret), false, bad);
  }
});

type Op = { op: "rotate" | "revoke" | "clean"; kid: string; secret: string; grace: number; pass: number };
const ops: fc.Arbitrary<Op[]> = fc.array(
  fc.record({
    op: fc.constantFrom("rotate" as const, "rotate" as const, "revoke" as const, "clean" as const),
    kid: fc.constantFrom("a", "b", "c", "d"),
    secret: fc.constantFrom("11", "22"),
    grace: fc.constantFrom(0, 10, 100),
    pass: fc.nat(30),
  }),
  { maxLength: 30 },
);

Deno.test("P11 EN-1007 whatever is rotated, a retired secret holds until its time and not after, and a revoked one never", () => {
  fc.assert(fc.property(ops, (all) => {
    let ring: Ring = [];
    let now = 0;
    /** What each name must be: until when it holds, by the rotation that retired it first. */
    const model = new Map<string, { secret: string; until: number | undefined } | "revoked">();
    let current: string | undefined;
    for (const { op, kid, secret, grace, pass } of all) {
      now += pass;
      // What the cleaner takes away is gone as if it had never been.
      for (const [name, known] of model) {
        if (op === "clean" && known !== "revoked" && !(now < (known.until ?? Infinity))) model.delete(name);
      }
      if (op === "clean") ring = cleaned(ring, now);
      else if (op === "revoke") {
        if (model.has(kid)) model.set(kid, "revoked");
        if (current === kid) current = undefined;
        ring = revoked(ring, kid);
      } else {
        const known = model.get(kid);
        const next = rotated(ring, { kid, secret }, grace, now);
        const conflict = known === "revoked" || (known !== undefined && known.secret !== secret);
        assertEquals(next === "conflict", conflict);
        if (next === "conflict") continue;
        if (current === kid) assertEquals(next, ring, "the same again changes nothing");
        else {
          const last = current === undefined ? undefined : model.get(current);
          if (last !== undefined && last !== "revoked") last.until = now + grace;
          model.set(kid, { secret, until: undefined });
          current = kid;
        }
        ring = next;
      }
      assertEquals(currentKey(ring)?.kid, current);
      for (const name of ["a", "b", "c", "d"]) {
        const known = model.get(name);
        const holds = known !== undefined && known !== "revoked" &&
          (known.until === undefined || now < known.until);
        assertEquals(validKey(ring, name, now) !== undefined, holds, `${name} at ${now}`);
      }
      assert(ring.filter((key) => key.until === undefined && holdsAt(key, now)).length <= 1);
    }
  }));
});

Deno.test("EN-1008 A4 the first start makes a secret of mode 0600, which the next start finds, and lists show none of it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const clock = new ManualClock();
    const token = (await openWaitpointKeys({ folder, clock })).sign(SUBJECT);
    const { mode } = await Deno.stat(`${folder}/waitpoint_keys.json`);
    assertEquals(mode! & 0o777, 0o600);
    const again = await openWaitpointKeys({ folder, clock });
    assertEquals(again.check(token, SUBJECT), true);
    const { fingerprint } = again.list().valid[0]!;
    assert(/^[0-9a-f]{16}$/.test(fingerprint));
    const { keys } = JSON.parse(await Deno.readTextFile(`${folder}/waitpoint_keys.json`));
    assert(!JSON.stringify(again.list()).includes(keys[0].secret.slice(0, 16)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("EN-1007 tokens of a retired secret hold for its grace, those of a revoked one not for a moment", async () => {
  const clock = new ManualClock();
  const keys = await openWaitpointKeys({ clock });
  const old = keys.sign(SUBJECT);
  assertEquals((await keys.rotate({ kid: "next" })).changed, true);
  await keys.rotate({ kid: "later" });
  await clock.advance(DAY - 1);
  assertEquals(keys.check(old, SUBJECT), true);
  await clock.advance(1);
  assertEquals(keys.check(old, SUBJECT), false);
  const token = keys.sign(SUBJECT);
  await keys.revoke("later");
  assertEquals([keys.check(token, SUBJECT), keys.check(keys.sign(SUBJECT), SUBJECT)], [false, true]);
  const error = await assertRejects(() => keys.rotate({ kid: "later" }), EngineError);
  assertEquals(error.code, "key_conflict");
});

Deno.test("EN-1007 the same name and secret change nothing; another secret is refused, as is a weak one", async () => {
  const keys = await openWaitpointKeys({ clock: new ManualClock(), secretHex: "12".repeat(32) });
  assertEquals(keys.list().current, "env");
  assertEquals((await keys.rotate({ kid: "env", secretHex: "12".repeat(32) })).changed, false);
  for (
    const [secretHex, code] of [["34".repeat(32), "key_conflict"], ["12".repeat(31), "key_invalid"], [
      "zz".repeat(32),
      "key_invalid",
    ]]
  ) {
    const error = await assertRejects(() => keys.rotate({ kid: "env", secretHex: secretHex! }), EngineError);
    assertEquals(error.code, code);
  }
});

Deno.test("EN-1007 a file of secrets that cannot be read stops the start and is left as it is", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const text of ["{", '{"keys":[{"kid":"k1","secret":"short"}]}', "[]"]) {
      await Deno.writeTextFile(`${folder}/waitpoint_keys.json`, text);
      const error = await assertRejects(
        () => openWaitpointKeys({ folder, clock: new ManualClock() }),
        EngineError,
      );
      assertEquals(error.code, "key_invalid");
      assertEquals(await Deno.readTextFile(`${folder}/waitpoint_keys.json`), text);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
