"""The job of a clip, from what a user asks for: a scene, a config, settings.

The command line, lecture files and the Python interface all come through `clip`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from diffrender.config.catalogue import check_catalogue, find_catalogue
from diffrender.config.declarations import Codes, Need, Recording, Training
from diffrender.config.find import no_such_file
from diffrender.config.overrides import Overrides
from diffrender.config.scene_card import SceneCard, find_scene, with_options
from diffrender.config.scene_modules import scene_modules
from diffrender.core.errors import RenderError, UsageError, suggest
from diffrender.core.files import expanded
from diffrender.core.glyphs import check_words
from diffrender.jobs.job import Job
from diffrender.jobs.kinds import Task, render_fields
from diffrender.jobs.plan.subject import OUTPUTS, Subject
from diffrender.trajectory.reader import check_whole
from diffrender.video.logo import find_logo, warn_of_contrast
from diffrender.video.spec import RenderSettings, RenderSpec


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


def check_kinds(given: Mapping[str, Path], card: SceneCard) -> None:
    """Refuse recordings of another kind of run than the scene shows; TrajectoryError for what is no recording, or none
    that is whole."""
    for name, file in given.items():
        kinds, kind = getattr(card.needs.get(name), "kind", ""), check_whole(file).kind
        if kinds and kind not in kinds.split("|"):
            raise UsageError(
                f"{file.name}: holds a {kind} run, and the scene '{card.name}' shows"
                f" {kinds.replace('|', ' and ')} runs{f' as {name}' if len(card.needs) > 1 else ''}.",
                "See what shows it: diffrender list scenes",
            )


def one_each(card: SceneCard, options: Mapping[str, Any], files: Sequence[str]) -> Mapping[str, Any]:
    """The options, where a scene shows as many recordings as an option names: those that are given, if there are some.

    `render race one.npz other.npz` is a race of two, called after their files until they say what they are.
    """
    each = [need.each for need in card.needs.values() if isinstance(need, Recording) and need.each]
    if len(files) < 2 or len(each) != len(card.needs):
        return options
    return {option: [Path(file).stem for file in files] for one in each for option in one.values()} | dict(options)


def check_given(card: SceneCard, given: Mapping[str, Path], config: str, overrides: Overrides, device: str) -> None:
    """Refuse what does nothing beside the recordings that are given, and some that leave others to be guessed.

    What is missing is made only from a config that was named: the scene's own shows other data than the user's.
    """
    missing = {name: need for name, need in card.needs.items() if name not in given}
    if not missing:
        said = [f"--config {config}"] if config else []
        counted = {key: value for key, value in overrides.items() if given or key != "sampler.seed"}
        said += [f"--set {key}={_plainly(value)}" for key, value in counted.items()]
        said += [f"--device {device}"] if device != "auto" else []
        if said and given:
            files = ", ".join(file.name for file in given.values())
            raise UsageError(
                f"{', '.join(said)}: nothing is made here, since {files} is drawn as it was recorded.",
                "Leave it out; or leave out the recording, and one is made so.",
            )
        if said:
            raise UsageError(f"{', '.join(said)}: the scene '{card.name}' shows no recording.", "Leave it out.")
    elif given and not config:
        raise UsageError(
            f"The scene '{card.name}' shows {len(card.needs)} recordings, and {len(given)} of them"
            f" {'is' if len(given) == 1 else 'are'} given ({', '.join(f'{n}={f.name}' for n, f in given.items())});"
            f" not {'; '.join(_asked(name, need) for name, need in missing.items())}.",
            f"Give {'that' if len(missing) == 1 else 'those'} too: {' '.join(f'-T {name}=FILE' for name in missing)}."
            f" Or say what to make the rest from: --config NAME.{_acts_without(card, missing)}",
        )


def _asked(name: str, need: Need) -> str:
    """A recording as a scene asks for it: `exact (model.kind=exact)`."""
    fixed = [f"{key}={_plainly(value)}" for key, value in need.fixed.items() if not key.startswith("record.")]
    return f"{name} ({', '.join(fixed)})" if fixed else name


def _plainly(value: Any) -> str:
    """A value as it is typed."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_plainly, value))}]"
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)


def _acts_without(card: SceneCard, missing: Mapping[str, Need]) -> str:
    """How to show only the acts that need none of these, if there are some."""
    acts = card.options.model_fields["acts"].get_default() if "acts" in card.options.model_fields else ()
    used = {act for need in missing.values() for act in getattr(need, "acts", ()) or acts}
    left = [act for act in acts if act not in used]
    return f" Or leave out the acts that show them: -O acts={','.join(left)}" if left else ""


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


def recordings(
    card: SceneCard,
    config: str = "",
    overrides: Overrides | None = None,
    *,
    only: set[str] | None = None,
    outputs: Path = OUTPUTS,
    device: str = "auto",
) -> dict[str, Job]:
    """The jobs that make what a scene needs (or `only` some of it), by the names the scene gives them."""
    found: dict[str, Job] = {}
    needs = {name: need for name, need in card.needs.items() if only is None or name in only}
    check_free(card, needs, overrides or {})
    for name, need in needs.items():
        chosen = _beside(card, need.config) or config or _beside(card, card.default_config)
        if not chosen:
            raise UsageError(
                f"{card.file}: {card.class_name} needs the recording '{name}' but names no default_config.",
                "Give one with --config.",
            )
        subject = Subject.of(chosen, overrides, outputs).for_scene(need.overrides, need.fixed)
        if isinstance(need, Training):
            found[name] = subject.train(device=device, resume=True, shows=card.shows)
        elif isinstance(need, Codes):
            found[name] = subject.codes(device=device, shows=card.shows)
        else:
            kind = subject.config.sampler.kind
            if need.samplers and kind not in need.samplers and ".py" not in kind:
                raise UsageError(
                    f"--sampler {kind}: the scene '{card.name}' cannot show its recording as '{name}'.",
                    f"It shows: {', '.join(need.samplers)}.",
                )
            if own := need.samplers.get(kind):
                fixed = {key: own.get(key, value) for key, value in need.fixed.items()}
                defaults = {**need.overrides, "sampler.kind": kind, **own}  # the kind first: it drops what came before
                asked = {key: value for key, value in (overrides or {}).items() if key != "sampler.kind"}
                subject = Subject.of(chosen, asked, outputs).for_scene(defaults, fixed)
            job = subject.sample(device=device, kind=need.kind, shows=card.shows)
            found[name] = replace(job, name=f"sample {subject.name} ({name})") if len(card.needs) > 1 else job
    return found


def check_free(card: SceneCard, needs: Mapping[str, Need], overrides: Overrides) -> None:
    """Refuse an override of a key that every recording of the scene has a value of its own for: it would do nothing."""
    for key, value in overrides.items():
        own = [need.fixed[key] for need in needs.values() if key in need.fixed]
        if len(own) == len(needs) > 0 and value not in own:
            told = ", ".join(dict.fromkeys(map(_plainly, own)))
            raise UsageError(
                f"--set {key}={_plainly(value)}: the scene '{card.name}' shows {told}, whatever is set.",
                "Leave it out, or see what the scene offers: diffrender list scenes",
            )


def _beside(card: SceneCard, name: str) -> str:
    """A config as a scene file names it: a path is first looked for beside that file."""
    file = card.file.parent / name
    return str(file) if "/" in name and file.is_file() else name


def recorded_file(job: Job) -> Path:
    """The recording that a job leaves: of a training run, the one beside the weights."""
    return job.extra_outputs[0] if job.kind == "train" else job.out


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


def named_files(texts: list[str], card: SceneCard) -> dict[str, Path]:
    """`name=file` pairs; files alone go to the scene's recordings in their order."""
    found: dict[str, Path] = {}
    names = [*card.needs] or ["main"]
    for text in texts:
        name, equals, file = text.partition("=")
        if not equals or Path(text).is_file():
            free = [name for name in names if name not in found]
            if not free:
                raise UsageError(f"--trajectory {text}: {card.class_name} shows {len(names)} recordings at most.")
            name, file = free[0], text
        if card.needs and name not in card.needs:
            raise UsageError(
                f"--trajectory {text}: {card.class_name} has no recording called '{name}'.",
                f"It needs: {', '.join(card.needs)}.",
            )
        path = expanded(file)
        if not path.is_file():
            near = no_such_file(file).remedy
            raise UsageError(f"{file}: no such recording.", f"{near} 'diffrender sample CONFIG' records one.")
        found[name] = path.resolve()
    return found
