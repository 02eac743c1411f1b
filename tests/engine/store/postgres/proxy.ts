/** Stands between a client and a server of any protocol over TCP, and breaks what it is told to break. */

/** What happens to what comes from the server. `cuts`: at its next word the connection ends instead. */
type Replies = "pass" | "cuts" | "swallows";

/** A door to a server. */
export interface Proxy {
  port: number;
  replies: Replies;
  /** Resolves when a reply was held back. */
  broken(): Promise<void>;
  /** Ends every connection and takes no more, or none until `open`. */
  shut(): Promise<void>;
  open(): void;
}

/** Opens one on a free port. */
export function proxyTo(hostname: string, port: number): Proxy {
  let listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const own = listener.addr.port;
  const open = new Set<Deno.TcpConn>();
  let tasks: Promise<unknown>[] = [];
  let breaks = Promise.withResolvers<void>();

  const end = (conn: Deno.TcpConn) => {
    if (open.delete(conn)) conn.close();
  };

  async function pump(from: Deno.TcpConn, to: Deno.TcpConn, pass: () => Replies): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (let read = await from.read(buffer); read !== null; read = await from.read(buffer)) {
        const fate = pass();
        if (fate !== "pass") {
          breaks.resolve();
          breaks = Promise.withResolvers();
        }
        if (fate === "cuts") break;
        if (fate === "swallows") continue;
        for (let done = 0; done < read;) done += await to.write(buffer.subarray(done, read));
      }
    } catch {
      // The other side is gone.
    }
    end(from);
    end(to);
  }

  async function accept(): Promise<void> {
    try {
      for await (const client of listener) {
        open.add(client);
        const server = await Deno.connect({ hostname, port });
        open.add(server);
        tasks.push(pump(client, server, () => "pass"));
        tasks.push(pump(server, client, () => {
          const fate = proxy.replies;
          if (fate === "cuts") proxy.replies = "pass";
          return fate;
        }));
      }
    } catch {
      // Shut.
    }
  }

  const proxy: Proxy = {
    port: own,
    replies: "pass",
    broken: () => breaks.promise,
    async shut() {
      listener.close();
      for (const conn of open) end(conn);
      await Promise.all(tasks);
      tasks = [];
    },
    open() {
      listener = Deno.listen({ hostname: "127.0.0.1", port: own });
      tasks.push(accept());
    },
  };
  tasks.push(accept());
  return proxy;
}
