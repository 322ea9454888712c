"""docs/api.md lists exactly the routes and the codes that there are."""

from __future__ import annotations

import ast
import re

from router.app import all_routes
from router.problems import BY_STATUS, INTERNAL
from shared.desk.registry import PROTECTIONS
from tests.contract import source

DOC = source.ROOT / "docs" / "api.md"
BESIDE_THE_APP = {("GET", "/livez"): "none"}
# what can come out of an answer: the errors themselves, the API, and what it asks
SPEAKERS = ("shared", "router-worker")


def table_rows() -> list[list[str]]:
    lines = [line for line in DOC.read_text().splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def routes_in_docs() -> dict[tuple[str, str], str]:
    found = {}
    for cells in table_rows():
        method, _, path = cells[0].strip("`").partition(" ")
        if path:
            found[method, path] = cells[1]
    return found


def codes_in_docs() -> list[str]:
    return [cells[0].strip("`") for cells in table_rows() if " " not in cells[0]]


def literals(node: ast.AST) -> set[str]:
    """The text constants that an expression may turn into."""
    if isinstance(node, ast.Constant):
        return {node.value} if isinstance(node.value, str) else set()
    if isinstance(node, ast.IfExp):
        return literals(node.body) | literals(node.orelse)
    return set()


def codes_in_source() -> set[str]:
    found = {*BY_STATUS.values(), INTERNAL}
    for path in source.files(*SPEAKERS):
        for node in ast.walk(source.tree(path)):
            if isinstance(node, ast.Call):
                for keyword in node.keywords:
                    if keyword.arg == "code":
                        found |= literals(keyword.value)
                if ast.unparse(node.func).endswith("Refusal") and node.args:
                    found |= literals(node.args[0])
            elif isinstance(node, ast.ClassDef):
                for each in node.body:
                    if isinstance(each, ast.AnnAssign) and "ClassVar" not in ast.unparse(each.annotation):
                        # a field that holds a code, as an event's: not an error's own
                        continue
                    target = each.targets[0] if isinstance(each, ast.Assign) else getattr(each, "target", None)
                    value = getattr(each, "value", None)
                    if isinstance(target, ast.Name) and target.id == "code" and value is not None:
                        found |= literals(value)
    return found


# put together at run time: the name of a limit or of a level
DYNAMIC = {"max_order_notional", "max_symbol_notional", "max_total_notional", "stop_absurd", "target_absurd"}


def test_every_route_stands_in_the_docs_with_its_role_and_nothing_else_does() -> None:
    routes = {(route.method, route.path): route.role.value for route in all_routes()} | BESIDE_THE_APP
    assert routes_in_docs() == routes


def test_every_code_stands_in_the_docs_once_and_nothing_else_does() -> None:
    listed = codes_in_docs()
    assert len(listed) == len(set(listed))
    protections = {code for each in PROTECTIONS.values() for code in (*each.refusals, *each.findings)}
    assert set(listed) == codes_in_source() | protections | DYNAMIC
