"""A clip of the quick worker."""

from diffrender.jobs.plan.clip import render_job
from diffrender.video.spec import RenderSpec


def toy(folder, name, **options):
    """A clip of the quick worker that reads a scene and a recording."""
    scene, recording = folder / "scene.py", folder / "run.npz"
    scene.write_text("# a scene\n")
    recording.write_bytes(b"a recording")
    out = folder / "out" / f"{name}.mp4"
    spec = RenderSpec.of(
        scene=scene, scene_class="X", trajectories={"run": recording}, options=options, out=out,
        width=64, height=36, fps=10,
    )  # fmt: skip
    return render_job("scene", spec, [], name)
