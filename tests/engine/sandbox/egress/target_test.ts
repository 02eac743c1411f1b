import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { isPublic } from "../../../../engine/sandbox/egress/address.ts";
import {
  allowedOf,
  deniedAddress,
  deniedTarget,
  openingsOf,
  type Target,
  targetOf,
} from "../../../../engine/sandbox/egress/target.ts";
import { faultInHeaders, withoutSecrets } from "../../../../engine/sandbox/egress/request_headers.ts";

function target(url: string): Target {
  const read = targetOf(url);
  assert(read.ok, url);
  return read.target;
}

Deno.test("SE-702 every spelling of a host decides as its canonical form", () => {
  const table: [url: string, host: string][] = [
    ["http://127.1/", "127.0.0.1"],
    ["http://2130706433/", "127.0.0.1"],
    ["http://0x7f.1/", "127.0.0.1"],
    ["http://0177.0.0.1/", "127.0.0.1"],
    ["http://0x7f000001/", "127.0.0.1"],
    ["http://127.0.0.1./", "127.0.0.1"],
    ["http://１２７.０.０.１/", "127.0.0.1"],
    ["http://127。0。0。1/", "127.0.0.1"],
    ["http://%31%32%37.0.0.1/", "127.0.0.1"],
    ["http://localhost./", "localhost"],
    ["http://LOCALHOST/", "localhost"],
    ["http://ｌｏｃａｌｈｏｓｔ/", "localhost"],
    ["http://loc%61lhost/", "localhost"],
    ["http://[::0001]/", "::1"],
    ["http://[0:0:0:0:0:ffff:127.0.0.1]/", "::ffff:7f00:1"],
    ["http://Bücher.example/", "xn--bcher-kva.example"],
  ];
  for (const [url, host] of table) assertEquals([url, target(url).host], [url, host]);
});

Deno.test("SE-702 what is not a plain http URL is refused, with the way out", () => {
  const table: [url: string, says: RegExp][] = [
    ["ftp://a.example/", /Only http: and https:/],
    ["file:///etc/passwd", /Only http: and https:/],
    ["data:text/plain,a", /Only http: and https:/],
    ["//a.example/", /not valid/],
    ["a.example/x", /not valid/],
    ["http://me:secret@a.example/", /name or a password/],
    ["http://me@a.example/", /name or a password/],
    ["http://a..example/", /not valid/],
    ["http://a.example../", /not valid/],
    ["http://a.example:0/", /Port 0/],
    [`http://a.example/${"x".repeat(20_000)}`, /longer/],
  ];
  for (const [url, says] of table) {
    const read = targetOf(url);
    assert(!read.ok, url);
    assert(says.test(read.denial.message), `${url}: ${read.denial.message}`);
  }
});

Deno.test("SE-702 no spelling of a private IPv4 address passes", () => {
  const spell = (bytes: number[], how: number[]): string => {
    const [a, b, c, d] = bytes as [number, number, number, number];
    const one = (n: number, i: number) =>
      [
        String(n),
        `0x${n.toString(16)}`,
        `0${n.toString(8)}`,
        `0X${n.toString(16).toUpperCase()}`,
      ][how[i]! % 4]!;
    const parts = [
      [one(a, 0), one(b, 1), one(c, 2), one(d, 3)],
      [one(a, 0), one(b, 1), one(c * 256 + d, 2)],
      [one(a, 0), one((b * 256 + c) * 256 + d, 1)],
      [one(((a * 256 + b) * 256 + c) * 256 + d, 0)],
    ][how[4]! % 4]!;
    const text = parts.join([".", "。", "．", "%2e"][how[5]! % 4]!) + (how[6]! % 2 === 0 ? "" : ".");
    return how[7]! % 2 === 0
      ? text
      : text.replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit)));
  };
  const inside = fc.oneof(
    fc.tuple(fc.constantFrom(0, 10, 127, 224, 255), byte(), byte(), byte()),
    fc.tuple(fc.constant(192), fc.constant(168), byte(), byte()),
    fc.tuple(fc.constant(169), fc.constant(254), byte(), byte()),
    fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), byte(), byte()),
    fc.tuple(fc.constant(100), fc.integer({ min: 64, max: 127 }), byte(), byte()),
  );
  const how = fc.array(fc.nat(100), { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(inside, how, (bytes, ways) => {
      const read = targetOf(`http://${spell(bytes, ways)}/`);
      if (!read.ok) return;
      assertEquals(read.target.address, bytes);
      assertEquals(isPublic(read.target.address!), false);
      assert(deniedAddress(read.target, read.target.address, { openings: [], ownPorts: [] }) !== undefined);
    }),
    { numRuns: 500 },
  );
});

Deno.test("SE-706 names of the inside are refused, also where they are allowed", () => {
  const names = "localhost a.localhost LOCALHOST. printer.local db.internal a.b.internal local internal"
    .split(" ");
  for (const name of names) {
    const denial = deniedTarget(target(`http://${name}/`), [name.toLowerCase()], false);
    assertEquals([name, denial?.rule], [name, "name"]);
  }
  for (const name of ["localhost.example", "mylocal", "internal.example.org", "xlocalhost"]) {
    assertEquals(deniedTarget(target(`http://${name}/`), [name], false), undefined);
  }
});

Deno.test("SE-706 a name of the inside does not pass by an address outside", () => {
  const rules = { openings: [], ownPorts: [] };
  assertEquals(deniedAddress(target("http://db.internal/"), [8, 8, 8, 8], rules)?.rule, "address");
});

Deno.test("needs.net names hosts exactly: without a port the usual one, no wildcards", () => {
  const table: [url: string, allowed: string[], fit: boolean][] = [
    ["https://api.example.org/x", ["api.example.org"], true],
    ["http://api.example.org/x", ["api.example.org"], true],
    ["https://API.example.org./x", ["Api.Example.Org"], true],
    ["https://api.example.org:8443/", ["api.example.org"], false],
    ["http://api.example.org:443/", ["api.example.org"], false],
    ["https://api.example.org:8443/", ["api.example.org:8443"], true],
    ["https://api.example.org/", ["api.example.org:443"], true],
    ["https://api.example.org/", ["api.example.org:8443"], false],
    ["https://api.example.org/", ["example.org", "*.example.org", "*"], false],
    ["https://example.org.evil.example/", ["example.org"], false],
    ["https://example.org/", ["https://example.org", "example.org/x", "a@example.org"], false],
    ["http://[::1]:8080/", ["[::1]:8080"], true],
    ["http://127.1:8080/", ["127.0.0.1:8080"], true],
    ["https://api.example.org/", [], false],
  ];
  for (const [url, allowed, fit] of table) {
    const denial = deniedTarget(target(url), allowed, false);
    assertEquals([url, allowed, denial?.rule], [url, allowed, fit ? undefined : "not_allowed"]);
  }
  const { message } = deniedTarget(target("https://api.example.org:8443/"), [], false)!;
  assertEquals(
    message,
    'api.example.org:8443 is not among the hosts that it may reach; add it to needs: { net: ["api.example.org:8443"] }',
  );
  for (
    const entry of ["", "*", "a b", "a:0", "a:70000", "a:", "[::1", "http://a", "a/b", "a?b", "a#b", "u@a"]
  ) {
    assertEquals([entry, allowedOf(entry)], [entry, undefined]);
  }
});

Deno.test("SE-707 an operator opens addresses at a port; our own ports stay closed", () => {
  const read = openingsOf("127.0.0.1:8080, 10.0.0.0/8:443, [fd00::/8]:443,");
  assert(read.ok);
  const rules = { openings: read.openings, ownPorts: [9338] };
  const table: [url: string, address: string, rule: string | undefined][] = [
    ["http://a.example:8080/", "127.0.0.1", undefined],
    ["http://a.example:8080/", "::ffff:127.0.0.1", undefined],
    ["http://a.example:8081/", "127.0.0.1", "address"],
    ["http://a.example:8080/", "127.0.0.2", "address"],
    ["https://a.example/", "10.200.3.4", undefined],
    ["https://a.example/", "fd12::1", undefined],
    ["https://a.example/", "fc12::1", "address"],
    ["https://a.example/", "8.8.8.8", undefined],
    ["http://a.example:9338/", "8.8.8.8", undefined],
    ["http://a.example:9338/", "127.0.0.1", "own_port"],
  ];
  for (const [url, text, rule] of table) {
    const address = target(`http://${text.includes(":") ? `[${text}]` : text}/`).address;
    assertEquals([url, text, deniedAddress(target(url), address, rules)?.rule], [url, text, rule]);
  }
  const own = openingsOf("127.0.0.1:9338");
  assert(own.ok);
  const all = { openings: own.openings, ownPorts: [9338] };
  assertEquals(deniedAddress(target("http://a.example:9338/"), [127, 0, 0, 1], all)?.rule, "own_port");
  for (
    const entry of [
      "10.0.0.0/8",
      "localhost:80",
      "10.0.0.0/33:80",
      "1.2.3.4:0",
      "::1:80",
      "[1.2.3.4]:80",
      "*:80",
    ]
  ) {
    assertEquals(openingsOf(entry), { ok: false, entry });
  }
});

Deno.test("SE-710 headers that end their line or belong to the connection are refused, and no value is shown", () => {
  const table: [name: string, value: string][] = [
    ["x-a", "b\r\nHost: evil"],
    ["x-a", "b\nc"],
    ["x-a", "b\rc"],
    ["x-a", "b\0c"],
    ["x-a\r\nHost", "evil"],
    ["x a", "b"],
    ["", "b"],
    ["Host", "evil"],
    ["content-length", "5"],
    ["Proxy-Authorization", "b"],
    ["proxy-anything", "b"],
    ["Connection", "close"],
    ["Keep-Alive", "5"],
    ["TRANSFER-ENCODING", "chunked"],
    ["TE", "trailers"],
    ["Trailer", "x"],
    ["Upgrade", "websocket"],
    ["Expect", "100-continue"],
    ["x-a", "π"],
    ["x-a", "s3cret".repeat(5_000)],
  ];
  for (const [name, value] of table) {
    const fault = faultInHeaders([["accept", "*/*"], [name, value]]);
    assert(fault !== undefined, `${name}: ${value}`);
    assert(!/evil|s3cret/.test(fault), fault);
  }
  assertEquals(
    faultInHeaders([["Authorization", "Bearer x"], ["x-ä".slice(0, 2) + "b", "tab\tand ü"]]),
    undefined,
  );
  assert(faultInHeaders(Array.from({ length: 101 }, (_, i) => [`x-${i}`, "a"])) !== undefined);
});

Deno.test("SE-708 only headers that hold no secret go on to another origin", () => {
  const headers = [["Authorization", "a"], ["Cookie", "b"], ["X-Api-Key", "c"], ["Accept", "d"]] as const;
  assertEquals(withoutSecrets(headers), [["Accept", "d"]]);
});

function byte() {
  return fc.integer({ min: 0, max: 255 });
}
