"""python3 Tests/Acceptance [OPTION...] [WORD...]: see runner.py."""

import sys

sys.dont_write_bytecode = True

from runner import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
