"""JSON values as a language writes them."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from recoup.kernel.frozen import frozen
from recoup.kit.edge.example_values import NAME


@frozen
class Literals:
    """`variable` writes the reader's value; `step` is one level's indentation."""

    words: Mapping[Any, str]
    variable: Callable[[str], str]
    step: str

    def write(self, value: Any, margin: str = "") -> str:
        """Writes a value over several lines where there is more than one member; the first line is
        not indented."""
        if value is None or isinstance(value, bool):
            return self.words[value]
        if isinstance(value, str) and (match := NAME.fullmatch(value)):
            return self.variable(match[1])
        inner = margin + self.step
        if isinstance(value, Mapping) and value:
            members = [
                f"{inner}{json.dumps(name)}: {self.write(member, inner)}"
                for name, member in value.items()
            ]
            return "{\n" + ",\n".join(members) + f"\n{margin}}}"
        if isinstance(value, list) and value:
            return (
                "[\n"
                + ",\n".join(inner + self.write(member, inner) for member in value)
                + f"\n{margin}]"
            )
        return json.dumps(value, ensure_ascii=False)


JSON_WORDS = {None: "null", True: "true", False: "false"}
