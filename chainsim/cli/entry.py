"""The process: from ``sys.argv`` to an exit code, with no traceback on the way."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

from chainsim.cli import house, output
from chainsim.exit_codes import ExitCode

COMPLETE: Final = "_CHAINSIM_COMPLETE"
"""Set by a shell that wants completions (click's convention)."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs one command and exits with its code (see ``ExitCode``)."""
    code = _guarded(sys.argv[1:] if arguments is None else list(arguments))
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            output.discard(stream)
    sys.exit(int(code))


def _guarded(arguments: list[str]) -> int:
    complaint = house.complaint()
    if complaint:
        output.note(complaint)
        return ExitCode.USAGE
    output.tolerate_narrow_encodings()
    import rich_click as click
    from click.exceptions import Exit, NoArgsIsHelpError

    try:
        return _run(arguments)
    except Exit as end:
        return end.exit_code
    except NoArgsIsHelpError as error:
        output.write(error.format_message() + "\n")
        return ExitCode.USAGE
    except click.ClickException as error:
        output.note(worded(error))
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        output.note("Interrupted.")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        output.discard(sys.stdout)
        return ExitCode.OK
    except Exception as error:
        output.note(internal_error(error))
        return ExitCode.INTERNAL


def _run(arguments: list[str]) -> int:
    from chainsim.cli.group import cli

    completing = os.environ.get(COMPLETE)
    if completing:
        from click.shell_completion import shell_complete

        return shell_complete(cli, {}, "chainsim", COMPLETE, completing)
    with cli.make_context("chainsim", arguments) as context:
        result = cli.invoke(context)
    return int(result or 0)


def worded(error: Exception) -> str:
    """A caller's mistake in words, with the command's usage line where click knows it."""
    import rich_click as click

    assert isinstance(error, click.ClickException)
    lines = []
    context = getattr(error, "ctx", None)
    if context is not None:
        pieces = context.command.collect_usage_pieces(context)
        lines.append(" ".join(["Usage:", context.command_path, *pieces]))
    message = error.format_message()
    lines.append(message if "\n" in message else f"Error: {message}")
    if context is not None:
        lines.append(f"Help:  {context.command_path} --help")
    return "\n".join(lines)


def internal_error(error: Exception) -> str:
    """A bug of ours: a short message, the traceback in a file."""
    import tempfile
    import traceback
    from pathlib import Path

    folder: Path | None = getattr(error, "folder", None)  # of recorded_run.RunFailed
    if folder is not None and isinstance(error.__cause__, Exception):
        error = error.__cause__
    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix="chainsim-"))
    trace = "".join(traceback.format_exception(error))
    target = folder / "traceback.txt"
    try:
        target.write_text(trace, encoding="utf-8")
        where = f"The traceback is in {target}."
    except OSError:
        where = "The traceback could not be written."
    return f"Internal error, a bug in chainsim: {type(error).__name__}: {error}\n{where}"
