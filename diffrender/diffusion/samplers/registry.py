"""The registry of samplers, in which every scheduler of diffusers is found by its class name."""

from __future__ import annotations

from diffrender.core.registry import Entry, Registry


class Samplers(Registry):
    """The registry of samplers, in which every scheduler of diffusers is found as `diffusers:ClassName`."""

    def __contains__(self, name: str) -> bool:
        return super().__contains__(name) or name.startswith("diffusers:")

    def __getitem__(self, name: str) -> Entry:
        if name.startswith("diffusers:"):
            from diffrender.diffusion.samplers.diffusers_scheduler import entry

            return entry(name)
        return super().__getitem__(name)


SAMPLERS = Samplers("sampler")
