"""The entry of the `holdfast` command, and the border where errors become one line.

It loads nothing by itself: a Ctrl-C while the rest is being loaded meets that border, too.
"""

from __future__ import annotations

import os
import sys


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit code. Errors are one line on standard error, and the code 1."""
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        return _fail("interrupted")


def _run(arguments: list[str] | None) -> int:
    import click

    from holdfast.cli.root import ROOT
    from holdfast.client.errors import ClientError

    try:
        code = ROOT.main(arguments, prog_name="holdfast", standalone_mode=False)
    except SystemExit as leave:
        return leave.code if isinstance(leave.code, int) else 1
    except click.Abort:
        return _fail("interrupted")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader left: nothing more to say, not even at exit
        return 1
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.ctx.get_help())
        return 0
    except click.ClickException as error:
        return _fail(error.format_message())
    except ClientError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error))
    return code if isinstance(code, int) else 0  # click returns what was given to `Context.exit`


def _fail(text: str) -> int:
    line = " ".join(text.split())
    print(f"Error: {line}", file=sys.stderr)
    return 1
