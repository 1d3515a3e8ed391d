"""Run a notebook from its first cell to its last, keep it with its outputs, and print these as text.

As in ``python run_notebook.py appeal.ipynb out/appeal.ipynb``.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient


def main(notebook: Path, out: Path) -> None:
    """Run it in the folder that it stands in."""
    book = nbformat.read(notebook, as_version=4)
    client = NotebookClient(book, timeout=600, resources={"metadata": {"path": str(notebook.parent)}})
    client.create_kernel_manager().transport = "ipc"  # the kernel listens on no port
    client.execute()
    nbformat.write(book, out)
    for cell in book.cells:
        for output in cell.get("outputs", ()):
            told = output.get("text") or output.get("data", {}).get("text/plain")
            if told:
                print(told.rstrip())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
