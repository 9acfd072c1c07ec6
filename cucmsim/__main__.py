"""`python -m cucmsim`: the same as the `cucmsim` command."""

from cucmsim.cli.main import main

if __name__ == "__main__":
    main()
