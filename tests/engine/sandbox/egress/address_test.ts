import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { addressOf, isPublic, rangeOf } from "../../../../engine/sandbox/egress/address.ts";

const judged = (text: string): boolean | undefined => {
  const address = addressOf(text);
  return address === undefined ? undefined : isPublic(address);
};

Deno.test("SE-704 the edges of every refused IPv4 network are refused, what lies beside them is not", () => {
  const table: [first: string, last: string, before: string | null, after: string | null][] = [
    ["0.0.0.0", "0.255.255.255", null, "1.0.0.0"],
    ["10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"],
    ["100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0"],
    ["127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0"],
    ["169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0"],
    ["172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0"],
    ["192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0"],
    ["192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0"],
    ["192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0"],
    ["198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0"],
    ["198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0"],
    ["203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0"],
    ["224.0.0.0", "255.255.255.255", "223.255.255.255", null],
  ];
  for (const [first, last, before, after] of table) {
    assertEquals([first, judged(first)], [first, false]);
    assertEquals([last, judged(last)], [last, false]);
    if (before !== null) assertEquals([before, judged(before)], [before, true]);
    if (after !== null) assertEquals([after, judged(after)], [after, true]);
  }
});

Deno.test("SE-705 refused IPv6 networks, and those that are judged by the IPv4 address inside", () => {
  const table: [text: string, fit: boolean][] = [
    ["::", false],
    ["::1", false],
    ["0:0:0:0:0:0:0:1", false],
    ["fc00::", false],
    ["fdff:ffff::1", false],
    ["fe80::1", false],
    ["febf::1", false],
    ["fec0::1", false],
    ["feff::1", false],
    ["ff02::1", false],
    ["2001:db8::1", false],
    ["2001:DB8:ffff::1", false],
    ["3fff::1", false],
    ["4000::1", false],
    ["::8.8.8.8", true],
    ["::127.0.0.1", false],
    ["::ffff:8.8.8.8", true],
    ["::ffff:10.0.0.1", false],
    ["::ffff:a00:1", false],
    ["0:0:0:0:0:FFFF:7f00:1", false],
    ["64:ff9b::8.8.8.8", true],
    ["64:ff9b::a9fe:a9fe", false],
    ["64:ff9b:1::8.8.8.8", false],
    ["2002:808:808::1", true],
    ["2002:7f00:1::1", false],
    ["2002:c0a8:101::", false],
    // Server 8.8.8.8, client with its bits turned over.
    ["2001:0:808:808::f7f7:f7f7", true],
    ["2001:0:808:808::80ff:fffe", false],
    ["2001:0:a00:1::f7f7:f7f7", false],
    ["2606:4700:4700::1111", true],
    ["2a00:1450:4001::200e", true],
  ];
  for (const [text, fit] of table) assertEquals([text, judged(text)], [text, fit]);
});

Deno.test("E1 what is no address in its usual spelling is none", () => {
  const texts =
    "1.2.3 1.2.3.4.5 01.2.3.4 1.2.3.256 0x7f.0.0.1 1 : ::: 1::2::3 1:2:3:4:5:6:7 1:2:3:4:5:6:7:8:9 " +
    "::12345 fe80::1%eth0 [::1] ::1.2.3 1.2.3.4::";
  for (const text of ["", " 1.2.3.4", ...texts.split(" ")]) {
    assertEquals([text, addressOf(text)], [text, undefined]);
  }
  for (const text of ["1.2.3.4/33", "::/129", "1.2.3.4/", "/8", "1.2.3.4/x"]) {
    assertEquals([text, rangeOf(text)], [text, undefined]);
  }
});

Deno.test("SE-705 no spelling of an IPv6 address changes how it is judged", () => {
  const group = fc.integer({ min: 0, max: 0xffff });
  const edge = fc.constantFrom(0, 0xffff, 0x7f00, 1, 0x64, 0xff9b, 0x2002, 0x2001, 0xfe80, 0xfc00, 0xa00);
  fc.assert(fc.property(fc.array(fc.oneof(group, edge), { minLength: 8, maxLength: 8 }), (groups) => {
    const full = groups.map((one) => one.toString(16).padStart(4, "0")).join(":");
    const short = new URL(`http://[${full}]/`).hostname.slice(1, -1);
    const tail = [groups[6]! >> 8, groups[6]! & 255, groups[7]! >> 8, groups[7]! & 255].join(".");
    const mixed = `${full.split(":").slice(0, 6).join(":")}:${tail}`;
    for (const text of [full.toUpperCase(), short, mixed]) assertEquals(addressOf(text), addressOf(full));
  }));
});
