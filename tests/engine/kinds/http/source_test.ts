import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { checkText } from "../../../../engine/mod.ts";
import { readSource } from "../../../../engine/kinds/http/source.ts";

Deno.test("a request is read into method, URL, headers and body", () => {
  const { request, faults } = readSource(
    "\r\nPOST  https://api.example.org/a/{{ b.c }}?d={{ e }} \r\nAccept: text/plain\r\n" +
      "content-type:application/json\r\n\r\n{\r\n}\r\n",
  );
  assertEquals(faults, []);
  assertEquals([request!.method, request!.target!.host], ["POST", "api.example.org"]);
  assertEquals(request!.url.map((one) => one.type === "text" ? one.text : `<${one.expr}>`), [
    "https://api.example.org/a/",
    "<b.c>",
    "?d=",
    "<e>",
  ]);
  assertEquals(request!.headers.map(({ name }) => name), ["Accept", "content-type"]);
  assertEquals(request!.body, { form: "json", text: "{\n}" });
});

Deno.test("what is wrong with a request is told at its line and column", () => {
  const table: [source: string, says: string][] = [
    ["", "1:1 The first line is METHOD URL, such as GET https://api.example.org/claims"],
    ["\nhttps://a.example/", "2:1 The first line is METHOD URL, such as GET https://api.example.org/claims"],
    ["get https://a.example/", "1:1 A method is written in capitals: GET"],
    [
      "FETCH https://a.example/",
      "1:1 'FETCH' is no method; use one of GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE",
    ],
    ["GET a.example/x", "1:5 The URL is not valid; write one such as https://api.example.org/path"],
    ["GET ftp://a.example/", "1:5 Only http: and https: are requested, not ftp:"],
    ["GET https://me:x@a.example/", "1:5 A URL may not hold a name or a password; send them in a header"],
    ["GET https://a.example/b c", "1:5 A space in a URL is written %20"],
    ["GET https://a.example/b HTTP/1.1", "1:5 Leave the version of HTTP out"],
    ["GET https://a.example/{{ b", "1:23 A placeholder is not closed on its line: add }}"],
    [
      "GET https://{{ host }}/",
      "1:16 A placeholder may not stand in scheme, host or port; write the host, or make the whole URL one placeholder",
    ],
    [
      "GET https://a.example:{{ port }}/",
      "1:26 A placeholder may not stand in scheme, host or port; write the host, or make the whole URL one placeholder",
    ],
    [
      "GET https://a.example{{ rest }}",
      "1:25 A placeholder may not stand in scheme, host or port; write the host, or make the whole URL one placeholder",
    ],
    [
      "GET {{ base }}/x",
      "1:8 A placeholder may not stand in scheme, host or port; write the host, or make the whole URL one placeholder",
    ],
    [
      "GET https://a.example/\nno header",
      "2:1 A header is written name: value; a blank line comes before the body",
    ],
    ["GET https://a.example/\nHost: b", "2:1 Header host cannot be set; it is the connection's own"],
    ["GET https://a.example/\nx-a: {{ b", "2:6 A placeholder is not closed on its line: add }}"],
    ["GET https://a.example/\n\nbody", "3:1 A GET request has no body"],
    [
      "POST https://a.example/\n\nbody",
      "3:1 A body needs a header that says what it is, such as content-type: application/json",
    ],
  ];
  for (const [source, says] of table) {
    const { request, faults } = readSource(source);
    assertEquals(faults.map(({ line, column, message }) => `${line}:${column} ${message}`), [says], source);
    assertEquals(request, undefined);
  }
  const [json] =
    readSource("POST https://a.example/\ncontent-type: application/json\n\n{ a: {{ b }} }").faults;
  assert(json!.message.startsWith("The body is no JSON; a placeholder in quotes keeps its type. Not JSON:"));
});

Deno.test("reading a request never throws, whatever the text", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "GET ",
      "POST ",
      "https://",
      "a.example",
      "/",
      "{{",
      "}}",
      "\n",
      "\n\n",
      ":",
      "{",
      '"',
      "\\",
      " ",
      "@",
    ),
    fc.string({ maxLength: 5 }),
  );
  fc.assert(fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
    const { request, faults } = readSource(pieces.join(""));
    assertEquals(request === undefined, faults.length > 0);
  }));
});

Deno.test("a plan tells what an http cell may not do, at its place, with the way out", () => {
  const check = (header: string, source: string) =>
    checkText(`~~~http page\n${header === "" ? "" : `${header}\n---\n`}${source}\n~~~\n`)
      .map(({ code, line, column, message }) => `${line}:${column} ${code} ${message}`);
  assertEquals(check("needs: { net: [example.org] }", "GET https://example.org/"), []);
  assertEquals(check("needs: { net: ['example.org:8080'] }", "GET http://example.org:8080/"), []);
  assertEquals(check("needs: { net: [example.org] }", "GET https://example.org/{{ 1 + 1 }}"), []);
  assertEquals(check("", "GET https://example.org/"), [
    "2:1 net_missing 'page' cannot be sent: example.org is not among the hosts that it may reach; " +
    'add it to needs: { net: ["example.org"] }',
  ]);
  assertEquals(check("needs: { net: [example.org] }", "GET https://www.example.org/"), [
    "4:1 net_missing 'page' cannot be sent: www.example.org is not among the hosts that it may reach; " +
    'add it to needs: { net: ["www.example.org"] }',
  ]);
  assertEquals(check("needs: { net: [] }", "GET {{ 'https://example.org/' }}"), [
    "4:1 net_missing 'page' may reach no host: name those of its URL as needs: { net: [api.example.org] }",
  ]);
  assertEquals(check("needs: { net: ['*.example.org', example.org] }", "GET https://example.org/"), [
    "2:1 net_invalid '*.example.org' under needs.net is no host; write api.example.org, or api.example.org:8443 " +
    "for another port",
  ]);
  assertEquals(check("needs: { net: [example.org], env: [A] }", "GET https://example.org/"), [
    "2:1 key_unavailable 'needs' of 'page' has no effect yet: the cell gets no permission",
  ]);
  assertEquals(check("needs: { net: [example.org] }", "GET https://example.org/\nx-key: {{ secret.KEY }}"), [
    "5:11 secret_unavailable 'page' names a secret, and secrets cannot be filled in yet; take it out",
  ]);
  assertEquals(check("needs: { net: [example.org] }", "GET https://example.org/\nx"), [
    "5:1 request_invalid A header is written name: value; a blank line comes before the body",
  ]);
});

Deno.test("a plan tells what is wrong with the effect of an http cell, at its place", () => {
  const check = (effect: string, source = "PUT https://example.org/") =>
    checkText(`~~~http page\nneeds: { net: [example.org] }\neffect: { ${effect} }\n---\n${source}\n~~~\n`)
      .filter(({ severity }) => severity === "error")
      .map(({ code, line, column, message }) => `${line}:${column} ${code} ${message}`);
  const probe = (url: string, exists: string) => `probe: { url: "${url}", exists: "${exists}" }`;
  assertEquals(check("idempotencyHeader: true"), []);
  assertEquals(check(probe("https://example.org/{{ 1 }}", "status = 200 and $count(body.items) > 0")), []);
  assertEquals(check("reversible: { method: DELETE, url: 'https://example.org/{{ result.body.id }}' }"), []);
  const table: [effect: string, said: string][] = [
    [
      "operation: file_write",
      "3:11 effect_invalid 'page' sends a request and writes no file; use another operation",
    ],
    [
      'service: "{{ 1 }}"',
      "3:11 effect_invalid 'service' of effect is a name, in which nothing is filled in",
    ],
    ["idempotencyHeader: Host", "3:11 effect_invalid Header host cannot be set; it is the connection's own"],
    [
      "idempotencyKey: a",
      "3:11 key_unavailable 'effect.idempotencyKey' of 'page' is not available yet; remove it to run this cell",
    ],
    [
      probe("https://other.example/", "true"),
      "3:11 effect_invalid The probe of 'page' cannot be sent: other.example is not among the hosts that it may reach; " +
      'add it to needs: { net: ["other.example"] }',
    ],
    [
      probe("https://{{ 'a' }}/", "true"),
      "3:11 effect_invalid A placeholder may not stand in scheme, host or port; write the host, or make the whole URL " +
      "one placeholder",
    ],
    [
      probe("https://example.org/", "$exists(boddy.id)"),
      "3:49 effect_invalid 'exists' does not know 'boddy'; it reads status, headers, body, url of the answer",
    ],
    [
      "reversible: { method: POST, url: 'https://example.org/', headers: { a: '{{ secret.KEY }}' } }",
      "3:83 secret_unavailable 'effect' of 'page' names a secret, and secrets cannot be filled in yet; take it out",
    ],
  ];
  for (const [effect, said] of table) assertEquals(check(effect), [said]);
  assertEquals(check(probe("https://example.org/", "1 +")).length, 1);
  assertEquals(check("idempotencyHeader: X-A", "PUT https://example.org/\nx-a: b"), [
    "3:11 effect_invalid 'page' sets X-A itself; leave it to idempotencyHeader",
  ]);
});

Deno.test("SE-401 SE-712 a cell that may not be planned opens nothing, and neither does checking", () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const reached = listener.accept().then(() => "reached", () => "left alone");
  checkText(`~~~http page\nneeds: { net: ['127.0.0.1:${port}'] }\n---\nGET http://127.0.0.1:${port}/\n~~~\n`);
  listener.close();
  return reached.then((how) => assertEquals(how, "left alone"));
});
