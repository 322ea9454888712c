// brain-worker/src/kernel.mjs for a program outside: one JSON line in, [name, arguments]; one line out, the bytes in base64.
import readline from "node:readline";
import * as kernel from "../../brain-worker/src/kernel.mjs";

const typed = (value) => (Array.isArray(value) ? Float64Array.from(value) : value);
for await (const line of readline.createInterface({ input: process.stdin })) {
  const [name, args] = JSON.parse(line);
  const found = kernel[name](...args.map(typed));
  process.stdout.write(`${Buffer.from(found.buffer).toString("base64")}\n`);
}
