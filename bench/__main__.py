"""Run the benchmarks, all or those named: `python -m bench [NAME …]`.

Each runs in a process of its own, so that none measures what another has loaded. The exit code is the number of those
whose ratio passed the limit they state.
"""

import argparse
import pkgutil
import subprocess
import sys

import bench

NOT_BENCHMARKS = {
    "__main__",
    "labelled",
    "long_document",
    "made_up_people",
    "market_population",
    "peer_servers",
    "product_server",
    "raw_socket",
    "release_notes",
    "soak",
    "typing_load",
}


def main() -> int:
    found = {module.name: module for module in pkgutil.iter_modules(bench.__path__)}
    names = sorted(
        name for name, module in found.items() if not module.ispkg and name not in NOT_BENCHMARKS
    )
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", choices=[*names, []], metavar="NAME", help=", ".join(names)
    )
    chosen = parser.parse_args().names or names
    failed = 0
    for name in chosen:
        print(f"\n== {name}", flush=True)
        failed += bool(
            subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode
        )
    if failed:
        print(f"\n{failed} of {len(chosen)} passed the limit they state", file=sys.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(main())
