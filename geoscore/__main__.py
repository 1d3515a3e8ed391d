"""`python -m geoscore` is the command line."""

from geoscore.cli import main

if __name__ == "__main__":
    main()
