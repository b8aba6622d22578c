"""Jackfield, an account association service: where its program is. For tests see `jackfield.testing`."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig

__all__ = ["find_binary"]

#: Names another program to run, for example one that was built from sources.
VARIABLE = "JACKFIELD_BIN"


def find_binary() -> str:
    """The path of the program: what `JACKFIELD_BIN` names, else what was installed with this module, else on the PATH.

    Raises FileNotFoundError when there is none.
    """
    if named := os.environ.get(VARIABLE):
        return named
    for directory in _script_directories():
        path = os.path.join(directory, "jackfield")
        if os.path.isfile(path):
            return path
    if found := shutil.which("jackfield"):
        return found
    raise FileNotFoundError("the program jackfield is not installed beside this module, nor on the PATH")


def _script_directories() -> list[str]:
    """Where installers put programs: of this environment, of `pip install --user`, of `pip install --target`."""
    found = [sysconfig.get_path("scripts")]
    if sys.version_info >= (3, 10):
        found.append(sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user")))
    found.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bin"))
    return found
