// The Node side of tools/stack.py: one Miniflare with every worker, told what to do by JSON lines on stdin.
// The first line holds its settings. It answers by JSON lines on stdout, and ends when stdin does, so that it never outlives who
// started it.
import fs from "node:fs";
import path from "node:path";
import readline from "node:readline";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions as bindingsOf, unstable_readConfig as readConfig, unstable_splitSqlQuery as splitSql } from "wrangler";

const LOCAL_FLAG = "python_workers_development"; // the one thing that production configs must not hold
const SOURCE_TYPES = { ".py": "PythonModule", ".mjs": "ESModule", ".wasm": "CompiledWasm", ".txt": "Text", ".sql": "Text" };
const MIGRATIONS_TABLE = `CREATE TABLE IF NOT EXISTS d1_migrations(
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)`;

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const first = await lines.next();
if (first.done) process.exit(0); // whoever started this has changed their mind
const settings = JSON.parse(first.value);
Object.assign(process.env, settings.environment);
const send = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

function* filesUnder(folder) {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const full = path.join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== "__pycache__") yield* filesUnder(full);
    else if (entry.isFile()) yield full;
  }
}

function sourceModules(main) {
  const root = path.dirname(main);
  const rest = [...filesUnder(root)].filter((file) => file !== main && path.extname(file) in SOURCE_TYPES);
  return [main, ...rest].map((file) => load(SOURCE_TYPES[path.extname(file)] ?? "ESModule", path.relative(root, file), file));
}

function vendoredModules(folder) {
  if (!fs.existsSync(folder)) return [];
  return [...filesUnder(folder)].map((file) => {
    const name = path.relative(folder, file);
    const type = name.startsWith("workers/") && /\.m?js$/.test(name) ? "ESModule" : "Data"; // as wrangler has it
    return load(type, `python_modules/${name}`, file);
  });
}

function load(type, name, file) {
  const binary = type === "Data" || type === "CompiledWasm";
  const bytes = fs.readFileSync(file);
  return { type, path: name.split(path.sep).join("/"), contents: binary ? new Uint8Array(bytes) : bytes.toString("utf8") };
}

function workerOptions({ config, vars, secrets, libraries, rateLimit }) {
  const { name, configPath } = readConfig({ config });
  const { workerOptions, main } = bindingsOf(config);
  const modules = sourceModules(main);
  const isPython = main.endsWith(".py");
  if (isPython) {
    modules.push(...vendoredModules(path.join(path.dirname(configPath), "python_modules")));
    const present = new Set(modules.map((module) => module.path));
    for (const [path_, file] of Object.entries(libraries)) if (!present.has(path_)) modules.push(load("Data", path_, file));
  }
  delete workerOptions.modulesRules;
  if (rateLimit) for (const limit of Object.values(workerOptions.ratelimits ?? {})) limit.simple.limit = rateLimit;
  return {
    ...workerOptions,
    name,
    modules,
    compatibilityFlags: [...(workerOptions.compatibilityFlags ?? []), ...(isPython ? [LOCAL_FLAG] : [])],
    bindings: { ...workerOptions.bindings, ...vars, ...secrets },
  };
}

const options = convertV4MiniflareOptions({
  workers: settings.workers.map(workerOptions),
  host: "127.0.0.1",
  port: settings.port,
  cf: false,
  logRequests: false,
  resourcePersistencePath: settings.state,
  handleStructuredLogs: (log) => send({ log }),
});
const miniflare = new Miniflare({ ...options, enableDevRegistry: false });

const commands = {
  async scheduled({ worker, cron, time }) {
    const handle = await miniflare.getWorker(worker);
    return handle.scheduled({ cron, scheduledTime: new Date(time) });
  },
  async evict({ worker, className, name, webSockets }) {
    await miniflare.unsafeEvictDurableObject(worker, className, { name, webSockets });
  },
  async objectId({ worker, className, name }) {
    const namespace = await miniflare.getDurableObjectNamespace(className.toUpperCase(), worker); // DESK holds Desk
    return String(namespace.idFromName(name));
  },
  async objectIds({ worker, className }) {
    return miniflare.listDurableObjectIds(className, worker);
  },
  async d1({ worker, sql, params }) {
    const database = await miniflare.getD1Database("DB", worker);
    return (await database.prepare(sql).bind(...params).all()).results;
  },
  async migrate({ worker, folder }) {
    const database = await miniflare.getD1Database("DB", worker);
    await database.prepare(MIGRATIONS_TABLE).run();
    const rows = (await database.prepare("SELECT name FROM d1_migrations").all()).results;
    const applied = new Set(rows.map((row) => row.name));
    const fresh = fs.readdirSync(folder).filter((name) => name.endsWith(".sql") && !applied.has(name)).sort();
    for (const name of fresh) {
      const statements = splitSql(fs.readFileSync(path.join(folder, name), "utf8")).map((sql) => database.prepare(sql));
      const record = database.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name);
      await database.batch([...statements, record]);
    }
    return fresh;
  },
  async kvKeys({ worker, binding, prefix }) {
    const namespace = await miniflare.getKVNamespace(binding, worker);
    return (await namespace.list({ prefix })).keys.map((key) => key.name);
  },
  async kvGet({ worker, binding, key }) {
    const bytes = await (await miniflare.getKVNamespace(binding, worker)).get(key, "arrayBuffer");
    return bytes && Buffer.from(bytes).toString("base64");
  },
  async r2Keys({ worker, binding, prefix }) {
    const bucket = await miniflare.getR2Bucket(binding, worker);
    return (await bucket.list({ prefix })).objects.map(({ key, size }) => ({ key, size }));
  },
  async r2Get({ worker, binding, key }) {
    const object = await (await miniflare.getR2Bucket(binding, worker)).get(key);
    return object && Buffer.from(await object.arrayBuffer()).toString("base64");
  },
  async enqueue({ worker, binding, body }) {
    await (await miniflare.getQueueProducer(binding, worker)).send(body);
  },
  async fetch({ worker, url, method, headers, body }) {
    const response = await miniflare.dispatchFetch(new URL(url, "http://local"), {
      method, headers: { ...headers, "MF-Route-Override": worker }, body: body && Buffer.from(body, "base64"),
    });
    const content = Buffer.from(await response.arrayBuffer()).toString("base64");
    return { status: response.status, headers: Object.fromEntries(response.headers), body: content };
  },
};

async function answer({ id, command, ...details }) {
  try {
    send({ id, value: (await commands[command](details)) ?? null });
  } catch (error) {
    send({ id, error: String(error?.stack ?? error) });
  }
}

async function listen() {
  for await (const line of lines) answer(JSON.parse(line)); // not one after the other: a slow one holds up nobody
  await end(0);
}

async function end(code) {
  const impatience = setTimeout(() => process.exit(code), 5000);
  await miniflare.dispose().catch(() => {});
  clearTimeout(impatience);
  process.exit(code);
}

process.on("SIGINT", () => {}); // Ctrl-C reaches the whole terminal; who started this decides when to end
process.on("SIGTERM", () => end(0));
listen();

try {
  send({ ready: String(await miniflare.ready) });
} catch (error) {
  send({ failed: String(error?.stack ?? error) });
  await end(1);
}
