"""The Manim wing: what scenes are made of. Scene files import from here, and nothing else of diffrender.

The names, and where each comes from, stand in `__init__.pyi`, which type checkers and editors read. They are loaded
when first used, since Manim takes a second.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
