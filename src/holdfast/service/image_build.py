"""Images made from nothing: a recipe fills a tree, which is packed and enters the store like any other image."""

from __future__ import annotations

import os

from holdfast.archive import image_metadata
from holdfast.archive.image_file import pack
from holdfast.archive.image_metadata import ImageMetadata
from holdfast.model.clock import Clock
from holdfast.model.kinds import Compression
from holdfast.model.operation import Operation
from holdfast.service.caller import Caller
from holdfast.service.image_add import ImageAdder, ImageRequest
from holdfast.service.image_aliases import check_alias_name
from holdfast.service.image_recipes import Recipe, find_recipe
from holdfast.service.image_store import MAIN
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.operations import Operations
from holdfast.streams.compression import CompressionChoice

PROGRESS_KEY = "build_image_progress"


class ImageBuildService:
    """Builds images by recipe."""

    def __init__(self, *, adder: ImageAdder, operations: Operations, clock: Clock) -> None:
        self._adder, self._operations, self._clock = adder, operations, clock

    def build(self, caller: Caller, recipe_name: str, request: ImageRequest) -> Operation:
        """Start; an unknown recipe is refused at once."""
        recipe = find_recipe(recipe_name)
        for name, _ in request.aliases:
            check_alias_name(name)
        return self._operations.start(
            caller, "Building image", lambda handle: self._work(caller, recipe, request, handle), may_cancel=True
        )

    def _work(self, caller: Caller, recipe: Recipe, request: ImageRequest, handle: OperationHandle) -> None:
        with self._adder.staging(caller.project) as (intent, directory):
            root = directory / "tree" / "rootfs"
            root.mkdir(parents=True, mode=0o755)
            root.chmod(0o755)
            recipe.build(
                root,
                report=lambda text: handle.progress(PROGRESS_KEY, f"{recipe.name}: {text}"),
                on_cancel=handle.on_cancel,
            )
            handle.check()
            handle.progress(PROGRESS_KEY, f"{recipe.name}: packing")
            now = self._clock.now()
            metadata = ImageMetadata(
                architecture=os.uname().machine, created_at=now, properties=recipe.dated_properties(now)
            )
            with (directory / MAIN).open("xb") as file:
                document = image_metadata.dump(metadata)
                pack(root.parent, document, file, CompressionChoice(Compression.GZIP), cancelled=handle.is_cancelled)
            self._adder.enter(caller, intent, request, handle)
