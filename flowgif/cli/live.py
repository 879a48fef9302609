"""The progress line on a terminal, drawn with rich.

Only :mod:`flowgif.cli.progress` imports this, and only on a terminal, because rich takes a while to load.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console, RenderableType
from rich.progress import Progress, Task
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from flowgif.units import describe_time_left

__all__ = ["LiveLine"]

DRAWINGS_A_SECOND = 8
SHORTEST, LONGEST = 8, 40  # bounds of the bar's length, columns
LONGEST_TIME = len("119 s left")  # the longest text for the time left, columns


class LiveLine:
    """A line with a spinner while the share of a task is unknown, and with a bar from then on.

    A thread draws the line a few times a second; the command itself only stores the figures to show.
    """

    def __init__(self) -> None:
        self._progress = _OneLine(
            console=Console(file=sys.stderr, highlight=False, emoji=False),
            refresh_per_second=DRAWINGS_A_SECOND,
            transient=True,
            # Standard output may be a file; nothing is printed to it before the line is erased.
            redirect_stdout=False,
        )

    def start(self) -> None:
        """Starts to draw."""
        self._progress.start()

    def stop(self) -> None:
        """Erases the line and shows the cursor again."""
        self._progress.stop()

    def say(self, text: str) -> None:
        """Prints a sentence above the line."""
        self._progress.console.print(text, markup=False, soft_wrap=True)

    def begin(self, task: str) -> None:
        """Shows a task: resumes an unfinished task of this name, or starts one with an unknown share."""
        for known in self._progress.tasks:
            if known.total is None or known.finished:
                self._progress.remove_task(known.id)
            else:
                self._progress.update(known.id, visible=known.description == task)
        if not any(known.visible for known in self._progress.tasks):
            self._progress.add_task(task, total=None, figures=())

    def show(self, share: float, figures: Sequence[str]) -> None:
        """Shows the share of the task that is done, within [0, 1], and its figures, the most important first."""
        for task in self._progress.tasks:
            if task.visible:
                self._progress.update(task.id, total=1.0, completed=share, figures=figures)


class _OneLine(Progress):
    """rich's Progress with the task on one line in a window of any width."""

    def get_renderables(self) -> Iterable[RenderableType]:
        for task in self.tasks:
            if task.visible:
                yield self._with_spinner(task) if task.total is None else self._with_bar(task)

    def _with_spinner(self, task: Task) -> Text:
        spinner = Spinner("line" if self._is_ascii else "dots", style="progress.spinner")
        spinner.start_time = task.start_time
        frame = spinner.render(task.get_time())
        assert isinstance(frame, Text)
        return self._cut(Text.assemble(frame, " ", task.description), self.console.width)

    def _with_bar(self, task: Task) -> Table:
        """Returns the line: the task, the bar, the share, the time left, and as many figures as fit into the window."""
        room = self.console.width
        share = f"{task.percentage:3.0f}%"
        length = max(0, min(max(SHORTEST, room // 5), LONGEST, room - len(share) - 1))
        # A long name is cut off to leave room for the time left.
        name = self._cut(Text(task.description), room - length - len(share) - LONGEST_TIME - 4)
        words, room = share, room - name.cell_len - length - 2
        left = task.time_remaining
        for word in ([] if left is None else [describe_time_left(left)]) + list(task.fields["figures"]):
            if len(words) + 2 + len(word) > room:
                break
            words += f"  {word}"
        line = Table.grid(padding=(0, 1))
        bar = ProgressBar(total=1.0, completed=task.completed, width=length)
        line.add_row(*([name] if name else []), bar, Text(words, no_wrap=True))
        return line

    def _cut(self, text: Text, width: int) -> Text:
        text.no_wrap = True
        text.truncate(max(0, width), overflow="crop" if self._is_ascii else "ellipsis")
        return text

    @property
    def _is_ascii(self) -> bool:
        return self.console.options.ascii_only
