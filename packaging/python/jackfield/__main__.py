"""`python -m jackfield`: the program, in place of this process."""

import os
import sys

from . import find_binary

os.execv(find_binary(), ["jackfield", *sys.argv[1:]])
