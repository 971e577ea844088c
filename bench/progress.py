"""Says on stderr what is being done and how long the rest takes."""
import collections
import contextlib
import sys
import time


class Progress:
    """Steps are known beforehand: how many for whom. The time left follows from what steps of the same one took."""

    def __init__(self, steps, clock=time.monotonic, out=sys.stderr):
        self.total, self.clock, self.out = sum(steps.values()), clock, out
        self.remaining = collections.Counter(steps)
        self.took, self.done = collections.Counter(), collections.Counter()

    @contextlib.contextmanager
    def step(self, who, what, where):
        begin = self.clock()
        yield
        took = self.clock() - begin
        self.took[who] += took
        self.done[who] += 1
        self.remaining[who] -= 1
        minutes, seconds = divmod(int(self.left()), 60)
        place = f"{self.total - self.remaining.total()}/{self.total}"
        print(f"  [{place}, {minutes}:{seconds:02} left]  {where}  {who}: {what} ({took:.1f} s)", file=self.out, flush=True)

    def skip(self, who, steps):
        self.remaining[who] -= steps

    def left(self):
        """Seconds that the rest is going to take; whoever had no step yet takes the average of all."""
        if not self.done.total():
            return 0.0
        average = self.took.total() / self.done.total()
        return sum(count * (self.took[who] / self.done[who] if self.done[who] else average) for who, count in self.remaining.items())

    def complain(self, text):
        print(f"  ! {text}", file=self.out, flush=True)
