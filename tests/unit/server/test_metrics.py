from __future__ import annotations

from holdfast.server.routes.metrics import render
from holdfast.service.metrics import Metric


def test_the_text() -> None:
    metrics = [
        Metric("a_seconds", "First", [((("name", 'x"y\\z\n'),), 1.5), ((("name", "b"), ("pool", "p")), 1e9)]),
        Metric("none", "Left out", []),
        Metric("b", "Second", [((), 0.0)]),
    ]
    assert render(metrics) == (
        "# TYPE a_seconds gauge\n# HELP a_seconds First.\n"
        'a_seconds{name="x\\"y\\\\z\\n"} 1.5\n'
        'a_seconds{name="b",pool="p"} 1e+09\n'
        "# TYPE b gauge\n# HELP b Second.\nb 0\n# EOF\n"
    )
