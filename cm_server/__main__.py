"""`cm-server`, and `python -m cm_server`."""

import sys

from cm_server.cli import main as cli


def main() -> int:
    return cli.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
