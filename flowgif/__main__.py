"""``python -m flowgif``, and the console script."""

import sys


def main() -> None:
    """Runs the command line; even its imports may be interrupted without a traceback."""
    try:
        from flowgif.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("flowgif: interrupted\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
