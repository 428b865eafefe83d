"""An explanation: a tree of lines, each made up of those below it."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from heirpay_pipelines.text.shown import one_line

SHOWN = 4
"""Of long lists of the same kind, so many are shown: the newest."""


@dataclass
class Node:
    """One line, what it was made by (a rule, if it needs saying) and what it is made of."""

    line: str
    rule: str | None = None
    made_of: list[Node] = field(default_factory=list)

    def add(self, line: str, rule: str | None = None) -> Node:
        child = Node(line, rule)
        self.made_of.append(child)
        return child

    def add_newest(self, lines: list[str], shown: int = SHOWN) -> None:
        """Add the last `shown` of the lines, and how many there are before them."""
        if len(lines) > shown:
            self.add(f"{len(lines) - shown} earlier ones")
        for line in lines[-shown:]:
            self.add(line)

    def as_dict(self) -> dict[str, Any]:
        """`{line, rule?, made_of?}`: the same tree for machines."""
        found: dict[str, Any] = {"line": self.line}
        if self.rule:
            found["rule"] = self.rule
        if self.made_of:
            found["made_of"] = [child.as_dict() for child in self.made_of]
        return found


NEVER_WRAPPED = 1_000


def show(node: Node) -> None:
    """Print the tree: wrapped between words in a terminal, one line each in a file or a pipe."""
    width = None if sys.stdout.isatty() else NEVER_WRAPPED
    Console(highlight=False, width=width).print(_tree(node))


def _tree(node: Node) -> Tree:
    label = Text(one_line(node.line))
    if node.rule:
        label.append(f"   [{one_line(node.rule)}]", style="dim")
    tree = Tree(label)
    for child in node.made_of:
        tree.children.append(_tree(child))
    return tree
