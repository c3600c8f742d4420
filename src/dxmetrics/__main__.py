"""`python -m dxmetrics` is `dxmetrics`."""

from dxmetrics.cli import main

if __name__ == "__main__":
    main()
