"""Metrics, in the text format of OpenMetrics 1.0 that Prometheus reads."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from holdfast.model.access import Trust
from holdfast.server.request import ApiRequest
from holdfast.server.route import Answer, Permission, Route
from holdfast.service.metrics import Labels, Metric

CONTENT_TYPE: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


async def get_metrics(request: ApiRequest) -> web.StreamResponse:
    restricted_to = request.project if request.access.trust is Trust.RESTRICTED else None
    found = await request.run(request.services.metrics.gather, restricted_to)
    return web.Response(body=render(found).encode(), headers={"Content-Type": CONTENT_TYPE})


def render(metrics: list[Metric]) -> str:
    """Return the text; families without samples are left out."""
    lines = []
    for metric in metrics:
        if not metric.samples:
            continue
        lines += [f"# TYPE {metric.name} gauge", f"# HELP {metric.name} {metric.help}."]
        lines += [f"{metric.name}{_labels(labels)} {value:g}" for labels, value in metric.samples]
    return "\n".join([*lines, "# EOF", ""])


def _labels(labels: Labels) -> str:
    inside = ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in labels)
    return f"{{{inside}}}" if inside else ""


ROUTES = (
    Route(
        method="GET",
        path="/1.0/metrics",
        handler=get_metrics,
        summary="How safe everything is, in numbers: for Prometheus",
        permission=Permission.METRICS,
        answer=Answer.FILE,
    ),
)
