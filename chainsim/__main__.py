"""``python -m chainsim``."""

from chainsim.cli import main

if __name__ == "__main__":
    main()
