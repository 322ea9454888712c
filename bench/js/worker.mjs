// The yardstick of `make bench`: what the platform itself costs, through the same local stack.
import { DurableObject } from "cloudflare:workers";

const INSERT = "INSERT INTO log (v, at_ms, kind, body, prev_hash, hash) VALUES (1, ?, 'order_intended', ?, ?, ?)";

export class Thing extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    this.sql = ctx.storage.sql;
    this.sql.exec("CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY, body TEXT)");
    this.sql.exec(
      "CREATE TABLE IF NOT EXISTS log (seq INTEGER PRIMARY KEY, v, at_ms, kind, body TEXT, prev_hash TEXT, hash TEXT)",
    );
  }
  put(body) {
    this.sql.exec("INSERT OR REPLACE INTO state VALUES (1, ?)", body);
  }
  view() {
    return this.sql.exec("SELECT body FROM state WHERE id = 1").one().body;
  }
  // one command: `rows` rows of a log in one transaction
  command(body, rows) {
    this.ctx.storage.transactionSync(() => {
      for (let row = 0; row < rows; row++) this.sql.exec(INSERT, Date.now(), body, "0".repeat(64), "0".repeat(64));
    });
    return '{"ok":true}';
  }
  commands(body, count, rows) {
    for (let number = 0; number < count; number++) this.command(body, rows);
    return '{"ok":true}';
  }
}

const json = (text) => new Response(text, { headers: { "content-type": "application/json" } });

export default {
  async fetch(request, env) {
    const path = new URL(request.url).pathname;
    if (path === "/livez") return json('{"status":"ok"}');
    if (path === "/object") return json(await env.THING.getByName("one").view());
    if (path === "/signals") {
      const found = await env.DB.prepare("SELECT body FROM signals ORDER BY created_ms DESC, id DESC LIMIT 100").all();
      return json(`{"items":[${found.results.map((row) => row.body).join(",")}],"next_cursor":null}`);
    }
    if (path === "/seed") {
      const { rows, view } = await request.json();
      await env.THING.getByName("one").put(view);
      await env.DB.prepare("CREATE TABLE IF NOT EXISTS signals (id TEXT PRIMARY KEY, body TEXT, created_ms INTEGER)").run();
      const insert = env.DB.prepare("INSERT OR IGNORE INTO signals VALUES (?, ?, ?)");
      await env.DB.batch(rows.map((row) => insert.bind(row.id, row.body, row.created_ms)));
      return json('{"status":"ok"}');
    }
    if (path === "/commands") {
      const { body, count, rows, together } = await request.json();
      const thing = env.THING.getByName("log");
      const started = Date.now();
      if (together) await thing.commands(body, count, rows);
      else for (let number = 0; number < count; number++) await thing.command(body, rows);
      return Response.json({ ms: Date.now() - started });
    }
    return new Response("not found", { status: 404 });
  },
};
