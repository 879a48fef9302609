"""``python -m flowgif``, and the console script."""

import os
import sys


def main() -> None:
    """Runs the command line; even its imports may be interrupted without a traceback."""
    if "OMP_WAIT_POLICY" not in os.environ:
        # torch's threads wait for each other by spinning. Where another process has the core, that takes twenty times
        # longer; a short spin before they sleep costs nothing where it has not. OpenMP reads this as torch is imported.
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    try:
        from flowgif.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("flowgif: interrupted\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
