// Runs pytest inside Pyodide, on the same interpreter as Python Workers, with the repository mounted.
// usage: node pyodide_tests.mjs '{"root": …, "packages": …, "arguments": […]}' ; started by tools/pyodide_tests.py
import { loadPyodide } from "pyodide";

const { root, packages, paths, arguments: given } = JSON.parse(process.argv[2]);
const pyodide = await loadPyodide({ env: { HOME: "/tmp", PYTHONDONTWRITEBYTECODE: "1", PYTHONHASHSEED: "0" } });
for (const [target, source] of [["/repo", root], ["/packages", packages]]) {
  pyodide.FS.mkdirTree(target);
  pyodide.FS.mount(pyodide.FS.filesystems.NODEFS, { root: source }, target);
}
pyodide.globals.set("paths", pyodide.toPy(["/repo", "/packages", ...paths.map((path) => `/repo/${path}`)]));
pyodide.globals.set("given", pyodide.toPy(given));
// As a coroutine, so that asyncio.run() inside a test can wait: it suspends the wasm stack, as it does in workerd.
const code = await pyodide.runPythonAsync(`
import os, sys
os.chdir("/repo")
sys.dont_write_bytecode = True
sys.path[:0] = paths
import pytest
int(pytest.main(given))
`);
process.exit(code);
