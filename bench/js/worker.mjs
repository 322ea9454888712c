// The yardstick of `make bench`: what the platform itself costs, through the same local stack.
import { DurableObject } from "cloudflare:workers";

export class Thing extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY, body TEXT)");
    ctx.storage.sql.exec("INSERT OR IGNORE INTO state VALUES (1, ?)", JSON.stringify({ cash: "100000" }));
  }
  view() {
    return this.ctx.storage.sql.exec("SELECT body FROM state WHERE id = 1").one().body;
  }
}

const json = (text) => new Response(text, { headers: { "content-type": "application/json" } });

export default {
  async fetch(request, env) {
    const path = new URL(request.url).pathname;
    if (path === "/livez") return json('{"status":"ok"}');
    if (path === "/object") return json(await env.THING.getByName("one").view());
    if (path === "/seed") {
      await env.DB.prepare("CREATE TABLE IF NOT EXISTS signals (id TEXT PRIMARY KEY, body TEXT, created_ms INTEGER)").run();
      const { rows } = await request.json();
      const insert = env.DB.prepare("INSERT OR IGNORE INTO signals VALUES (?, ?, ?)");
      await env.DB.batch(rows.map((row) => insert.bind(row.id, row.body, row.created_ms)));
      return json('{"status":"ok"}');
    }
    if (path === "/signals") {
      const found = await env.DB.prepare("SELECT body FROM signals ORDER BY created_ms DESC, id DESC LIMIT 100").all();
      return json(`{"items":[${found.results.map((row) => row.body).join(",")}]}`);
    }
    return new Response("not found", { status: 404 });
  },
};
