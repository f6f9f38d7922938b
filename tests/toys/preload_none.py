"""For `dask scheduler --preload` and `dask worker --preload`: a machine without diffrender."""

import sys


class Nowhere:
    """Finds no diffrender."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.split(".")[0] == "diffrender":
            raise ModuleNotFoundError(f"No module named '{name}'")


sys.meta_path.insert(0, Nowhere)
