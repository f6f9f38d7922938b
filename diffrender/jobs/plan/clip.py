"""The job of a clip, from what a user asks for: a scene, a config, settings.

The command line, lecture files and the Python interface all come through `clip`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from diffrender.config.catalogue import check_catalogue, find_catalogue
from diffrender.config.declarations import needed
from diffrender.config.overrides import Overrides
from diffrender.config.scene_card import SceneCard, find_scene, with_options
from diffrender.config.scene_modules import scene_modules
from diffrender.core.errors import RenderError, UsageError, suggest
from diffrender.core.glyphs import check_words
from diffrender.jobs.job import Job
from diffrender.jobs.kinds import Task, render_fields
from diffrender.jobs.plan.given import check_given, check_kinds, named_files, one_each
from diffrender.jobs.plan.needs import recorded_file, recordings
from diffrender.jobs.plan.subject import OUTPUTS
from diffrender.video.logo import find_logo, warn_of_contrast
from diffrender.video.settings import RenderSettings
from diffrender.video.spec import RenderSpec


def clip(
    scene: str,
    config: str = "",
    overrides: Overrides | None = None,
    options: Mapping[str, Any] | None = None,
    settings: RenderSettings | None = None,
    out: Path | None = None,
    *,
    trajectories: Sequence[str] = (),
    also: Mapping[str, Job] | None = None,
    outputs: Path = OUTPUTS,
    device: str = "auto",
    name: str = "",
    keys: Mapping[str, str] | None = None,
    sounds: Mapping[str, Path | Job] | None = None,
    act_pause: float = 0.0,
) -> Job:
    """The render job of one clip, with the training and sampling it needs.

    scene: a name, `file.py` or `file.py:Class`. config: a name, file or drawing; the scene's own if empty.
    overrides: of the config, with dotted keys. options: the scene's. settings: size, format, theme and so on.
    out: the file; in the folder of the config's outputs if not given. trajectories: `[name=]file.npz` made elsewhere.
    also: jobs whose recordings the scene is given besides those that it needs, by name.
    name: of the job, for people. keys: what errors call an option, where it was given under another name.
    sounds: what is heard in its acts, by their names: files, or jobs that make them. act_pause: seconds between acts.
    Raises UsageError or ConfigError that names what is wrong.
    """
    settings = settings or RenderSettings()
    written = find_scene(scene)
    options = one_each(written, options or {}, trajectories)
    card = with_options(written, options)
    for key, words in options.items():
        if isinstance(words, str):
            try:
                check_words(words, (keys or {}).get(key, f"--option {key}"))
            except RenderError as error:  # of a scene that is drawn; here it is what was asked for
                raise UsageError(error.problem, error.remedy) from None
    heard = dict(sounds or {})
    check_acts(card, options, heard)
    catalogue = find_catalogue(settings.lang)
    if catalogue is not None:
        check_catalogue(catalogue, {form for words in card.words.values() for form in (words, *words.split("|"))})
    logo = find_logo(settings.logo) if settings.logo else None
    check_mark(settings, logo)
    format = settings.format_for(out)
    given = named_files(list(trajectories), card)
    check_kinds(given, card)
    if given:
        card = replace(card, needs={name: need for name, need in card.needs.items() if name in given or needed(need)})
    wanted = {name for name in card.needs if name not in given}
    check_given(card, given, config, overrides or {}, device)
    needs = recordings(card, config, overrides, only=wanted, outputs=outputs, device=device)
    plain_name = card.name.replace(":", "-")  # of one scene among several in a file
    folder = next(iter(needs.values())).out.parent if needs else outputs / plain_name
    needs |= also or {}
    out = out or folder / f"{'-'.join([plain_name, *_variant(settings)])}.{format}"
    files = {**{name: recorded_file(job) for name, job in needs.items()}, **given}
    spec = RenderSpec.with_settings(
        settings,
        scene=card.file,
        scene_class=card.class_name,
        trajectories=files,
        options=dict(options),
        catalogue=catalogue,
        logo_file=logo,
        sounds={act: sound.out if isinstance(sound, Job) else sound for act, sound in heard.items()},
        act_pause=act_pause,
        out=out.absolute(),
    )
    spoken = [sound for sound in heard.values() if isinstance(sound, Job)]
    return render_job(card.name, spec, [*needs.values(), *spoken], name or f"render {card.name}")


def check_mark(settings: RenderSettings, logo: Path | None) -> None:
    """Refuse a name that cannot be set, and say if a logo is hard to see."""
    if settings.author:
        try:
            check_words(settings.author, "--author")
        except RenderError as error:
            raise UsageError(error.problem, error.remedy) from None
    if logo and not settings.transparent:
        warn_of_contrast(logo, settings.theme)


def check_acts(card: SceneCard, options: Mapping[str, Any], acts: Iterable[str]) -> None:
    """UsageError naming an act that the scene does not play with these options, as far as its text tells."""
    known = card.act_names(options)
    for act in acts:
        if known is not None and act not in known:
            raise UsageError(f"'{card.name}' plays no act '{act}'.", suggest(act, known))


def _variant(settings: RenderSettings) -> list[str]:
    """Parts of a file name that tell a clip from the usual one."""
    theme = settings.theme if isinstance(settings.theme, str) else settings.theme.name
    return [
        *([settings.aspect.replace(":", "x")] if settings.aspect != "16:9" else []),
        *([theme] if theme != "dark" else []),
        *([Path(settings.lang).stem] if settings.lang != "en" else []),
        *(["sheet"] if settings.contact_sheet else []),
        *([f"{settings.still:g}"] if settings.still is not None else []),
    ]


def render_job(scene: str, spec: RenderSpec, needs: Iterable[Job], name: str) -> Job:
    """The job that draws a clip. scene: what it is called. needs: the jobs that make its recordings, in any number."""
    main, *modules = scene_modules(spec.scene)
    inputs = {f"scene/{main.stem}": main}
    inputs |= {f"scene/{m.relative_to(main.parent).with_suffix('').as_posix()}": m for m in modules}
    inputs |= {f"recordings/{key}": file for key, file in spec.trajectories.items()}
    inputs |= {f"sounds/{act}": file for act, file in spec.sounds.items()}
    inputs |= {"catalogue": spec.catalogue} if spec.catalogue else {}
    inputs |= {"logo": spec.logo_file} if spec.logo_file else {}
    beside = {
        "scene",
        "trajectories",
        "sounds",
        "logo",
        "logo_file",
        "catalogue",
        "out",
        "metadata",
    }  # inputs, the output, and what is known once it is made
    settings = {"scene": scene, "title": scene, "scene_file": main.stem, **spec.model_dump(mode="json", exclude=beside)}
    unique = tuple({job.out: job for job in needs}.values())
    return Job("render", name, spec.out, settings, inputs, unique)


def clip_spec(job: Job) -> RenderSpec:
    """The spec of a render job, as the process that does it will have it."""
    return RenderSpec.of(**render_fields(Task.from_dict(job.as_dict(), lambda event: None)))
