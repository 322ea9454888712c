"""Build the Pyodide bundle that workerd would otherwise download, from npm's package of the same version.

workerd, under the compatibility flag `python_workers_development`, reads `pyodide_dev.capnp.bin` from the folder that
`--pyodide-bundle-disk-cache-dir` names. Two of its three modules are the npm files as they are; the third is npm's glue
with the few places replaced where a Workers isolate forbids what a browser allows.
"""

import argparse
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, cast

from tools.failure import ToolError, run_main, say
from tools.paths import BUILD, NODE_MODULES

BUNDLE_FOLDER: Final = BUILD / "bundle"
BUNDLE: Final = BUNDLE_FOLDER / "pyodide_dev.capnp.bin"
PYODIDE: Final = NODE_MODULES / "pyodide"
WORKERD: Final = NODE_MODULES / "@cloudflare" / "workerd-linux-64" / "bin" / "workerd"
SCHEMA: Final = Path(__file__).with_name("bundle.capnp")

WRAPPERS: Final = (
    "addEventListener",
    "getRandomValues",
    "location",
    "monotonicDateNow",
    "newWasmModule",
    "patchedLoadLibData",
    "wasmInstantiate",
)
"""What the adapted glue imports from workerd's built-in `pyodide-internal:builtin_wrappers`."""

HEADER: Final = (
    f'import {{ {", ".join(WRAPPERS)} }} from "pyodide-internal:builtin_wrappers";\n'
    'function refusedEval() { throw new Error("eval is not allowed in a Workers isolate"); }\n'
)


@dataclass(frozen=True, slots=True)
class Patch:
    """One replacement in the glue, which must match exactly `count` times."""

    name: str
    old: str
    new: str
    count: int


PATCHES: Final = (
    Patch("wasm modules", "new WebAssembly.Module(", "newWasmModule(", 4),
    Patch("wasm instances", "WebAssembly.instantiate(", "wasmInstantiate(", 2),
    Patch("clock", "Date.now()", "monotonicDateNow()", 22),
    Patch("randomness", "crypto.getRandomValues(view)", "getRandomValues(Module,view)", 1),
    Patch(
        "library memory",
        "alignMemory(getMemory(metadata.memorySize+memAlign),memAlign)",
        "alignMemory(Module.getMemoryPatched(Module,libName,metadata.memorySize+memAlign),memAlign)",
        1,
    ),
    Patch("eval of functions", "=eval(func)", "=refusedEval(func)", 2),
    Patch("eval of scripts", "eval(UTF8ToString(ptr))", "refusedEval(UTF8ToString(ptr))", 3),
    Patch("eval of data", "eval(data)", "refusedEval(data)", 1),
    Patch(
        "export",
        "export default _createPyodideModule;",
        "export{_createPyodideModule,_createPyodideModule as default};",
        1,
    ),
)

LIBRARY_START: Final = "function loadLibData(){"
LIBRARY_END: Final = "function getExports(){"
LIBRARY_BODY: Final = (
    "var libData=patchedLoadLibData(Module,libName,flags.rpath);"
    "return flags.loadAsync?Promise.resolve(libData):libData}"
)


def adapt_glue(source: str) -> str:
    """npm's `pyodide.asm.mjs`, adapted to a Workers isolate; ToolError when it is not the glue that is known."""
    for patch in PATCHES:
        found = source.count(patch.old)
        if found != patch.count:
            raise ToolError(
                f"the Pyodide glue has {found} places for the patch '{patch.name}' ({patch.old!r}), not {patch.count}: "
                "not the version that this tool knows; pin that in package.json again, or mend tools/bundle.py"
            )
        source = source.replace(patch.old, patch.new)
    start, end = source.find(LIBRARY_START), source.find(LIBRARY_END)
    if not 0 <= start < end or source.count(LIBRARY_START) != 1:
        raise ToolError("the Pyodide glue has no one loadLibData before getExports: mend tools/bundle.py")
    return HEADER + source[: start + len(LIBRARY_START)] + LIBRARY_BODY + source[end:]


def check_workerd(binary: bytes) -> None:
    """Raise ToolError unless the installed workerd offers every wrapper that the adapted glue imports."""
    for name in (*WRAPPERS, "getMemoryPatched"):
        if not any(f"{kind} {name}".encode() in binary for kind in ("function", "const")):
            raise ToolError(
                f"the installed workerd has no '{name}': pin the wrangler of package.json, or mend tools/bundle.py"
            )


class _Message(Protocol):
    def to_bytes(self) -> bytes: ...


class _Schema(Protocol):
    class Bundle:
        @staticmethod
        def new_message(**fields: object) -> _Message:
            raise NotImplementedError


def encode(modules: dict[str, tuple[str, bytes]]) -> bytes:
    """The modules (name -> kind of content, content) as one unpacked Cap'n Proto message."""
    import capnp

    schema = cast("_Schema", capnp.load(str(SCHEMA)))
    items = [{"name": name, kind: content, "type": "internal"} for name, (kind, content) in modules.items()]
    return schema.Bundle.new_message(modules=items).to_bytes()


def build() -> Path:
    """Write the bundle unless it is there already for these very inputs; return the folder it is in."""
    if not (PYODIDE / "pyodide.asm.mjs").is_file() or not WORKERD.is_file():
        raise ToolError("node_modules is missing or incomplete: run `make setup`")
    inputs = [PYODIDE / "pyodide.asm.mjs", PYODIDE / "package.json", NODE_MODULES / "workerd" / "package.json"]
    inputs += [SCHEMA, Path(__file__)]
    key = hashlib.sha256(b"\0".join(path.read_bytes() for path in inputs)).hexdigest()
    stamp = BUNDLE_FOLDER / "key"
    if BUNDLE.is_file() and stamp.is_file() and stamp.read_text() == key:
        return BUNDLE_FOLDER
    say("bundle: adapting npm's Pyodide for workerd")
    check_workerd(WORKERD.read_bytes())
    content = encode(
        {
            "pyodideRuntime-internal:pyodide.asm": (
                "src",
                adapt_glue((PYODIDE / "pyodide.asm.mjs").read_text()).encode(),
            ),
            "pyodideRuntime-internal:pyodide.asm.wasm": ("wasm", (PYODIDE / "pyodide.asm.wasm").read_bytes()),
            "pyodideRuntime-internal:python_stdlib.zip": ("data", (PYODIDE / "python_stdlib.zip").read_bytes()),
        }
    )
    BUNDLE_FOLDER.mkdir(parents=True, exist_ok=True)
    BUNDLE.write_bytes(content)
    stamp.write_text(key)
    return BUNDLE_FOLDER


def workerd_environment() -> dict[str, str]:
    """What Miniflare and tools/workerd.sh read; builds the bundle first."""
    return {
        "MINIFLARE_WORKERD_PATH": str(Path(__file__).with_name("workerd.sh")),
        "EDGEDESK_WORKERD": str(WORKERD),
        "EDGEDESK_BUNDLE": str(build()),
    }


def main() -> int:
    """Build the bundle and say where it is."""
    argparse.ArgumentParser(prog="python -m tools.bundle", description=__doc__).parse_args()
    folder = build()
    say(f"bundle: {folder / BUNDLE.name} ({BUNDLE.stat().st_size / 1e6:.1f} MB)")
    return 0


if __name__ == "__main__":
    run_main(main)
