"""`cm-lsp`, also as `python -m cm_lsp`."""

import sys

from cm_lsp import cli


def main() -> None:
    sys.exit(cli.main())


if __name__ == "__main__":
    main()
