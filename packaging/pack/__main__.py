"""Packs a binary that was built: `python3 packaging/pack --binary FILE --out DIR`. Prints the path of each file.

Nothing is compiled here and no network is asked. The same binary, sources and time give the same bytes.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import deb  # noqa: E402
import extras  # noqa: E402
import npm  # noqa: E402
import wheel  # noqa: E402
from archive import How  # noqa: E402
from binary import inspect  # noqa: E402

KINDS = ("wheel", "npm", "deb")


def main() -> None:
    """Packs what the arguments say."""
    parser = argparse.ArgumentParser(prog="python3 packaging/pack", description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=Path, required=True, help="the program, as it is to be installed")
    parser.add_argument("--out", type=Path, required=True, help="where to write to; made when it is not there")
    parser.add_argument("--only", choices=KINDS, action="append", help="a kind of package; all without it")
    parser.add_argument("--revision", default="1", help="the revision of the Debian package (1)")
    parser.add_argument("--fast", action="store_true", help="compress little")
    arguments = parser.parse_args()

    epoch = int(os.environ["SOURCE_DATE_EPOCH"])
    how = How(epoch, arguments.fast)
    binary = inspect(arguments.binary.resolve())
    out = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    files = extras.make(binary, epoch)
    written = files.write(out)
    kinds = arguments.only or KINDS
    if "wheel" in kinds:
        written.append(wheel.write(binary, files, out, how))
    if "npm" in kinds:
        written += npm.write(binary, files, out, how)
    if "deb" in kinds:
        written.append(deb.write(binary, files, out, how, arguments.revision))
    print("\n".join(map(str, written)))


if __name__ == "__main__":
    main()
