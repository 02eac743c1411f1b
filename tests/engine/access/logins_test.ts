import { assert, assertEquals } from "@std/assert";
import { openLogins } from "../../../engine/access/logins.ts";
import { ManualClock } from "../../_support/manual_clock.ts";
import { folderTest } from "./_folder.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

folderTest("SE-303 a code works once, within 10 minutes", async (folder) => {
  const clock = new ManualClock();
  const logins = await openLogins({ folder, clock });
  const [code, late] = [logins.newCode(), logins.newCode()];
  assert(/^[A-Za-z0-9_-]{43}$/.test(code) && code !== late, "256 bits");
  await clock.advance(10 * MINUTE - 1);
  const [one, two] = await Promise.all([logins.redeem(code), logins.redeem(code)]);
  assertEquals([one === undefined, two === undefined].sort(), [false, true], "two at once get one login");
  await clock.advance(1);
  assertEquals(await logins.redeem(late), undefined);
});

folderTest(
  "SE-304 a login stands 12 hours and over a restart; only its SHA-256 is kept, for the owner alone",
  async (folder) => {
    const clock = new ManualClock();
    const logins = await openLogins({ folder, clock });
    const code = logins.newCode();
    const token = await logins.redeem(code);
    const reopened = await openLogins({ folder, clock });
    assert(logins.check(token) && reopened.check(token));
    assertEquals(await reopened.redeem(code), undefined);
    const path = `${folder}/logins.json`;
    const text = await Deno.readTextFile(path);
    assert(!text.includes(token!) && !text.includes(code) && /"digest":"[0-9a-f]{64}"/.test(text));
    assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
    await clock.advance(12 * HOUR - 1);
    assert(reopened.check(token));
    await clock.advance(1);
    assert(!reopened.check(token));
  },
);

folderTest("SE-306 whatever is not a token is no login", async (folder) => {
  const clock = new ManualClock();
  const logins = await openLogins({ folder, clock });
  const token = (await logins.redeem(logins.newCode()))!;
  assert(logins.check(token));
  for (
    const other of [
      undefined,
      null,
      "",
      "null",
      "undefined",
      [],
      {},
      [token],
      0,
      token.slice(1),
      `${token}=`,
      "é",
    ]
  ) {
    assertEquals(logins.check(other), false, String(other));
    assertEquals(await logins.redeem(other), undefined);
  }
  const stored = JSON.parse(await Deno.readTextFile(`${folder}/logins.json`)).logins[0].digest;
  assertEquals(logins.check(stored), false, "the digest is no token");
});

folderTest("SE-317 a revoked login is refused at once, and others stand", async (folder) => {
  const clock = new ManualClock();
  const logins = await openLogins({ folder, clock });
  const one = await logins.redeem(logins.newCode());
  const two = await logins.redeem(logins.newCode());
  const revoked = logins.revoke(one);
  assert(!logins.check(one) && logins.check(two));
  await revoked;
  const reopened = await openLogins({ folder, clock });
  assert(!reopened.check(one) && reopened.check(two));
});

folderTest("a file that is not readable as logins counts as empty", async (folder, put) => {
  const clock = new ManualClock();
  for (const text of ["", "{", "[]", '{"logins":[{"digest":"x","expiresAt":9e15},{"digest":5},null]}']) {
    await put("logins.json", text);
    const logins = await openLogins({ folder, clock });
    assertEquals(logins.check("x"), false);
    assert(logins.check(await logins.redeem(logins.newCode())));
  }
});
