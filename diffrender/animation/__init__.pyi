from .animations import (
    FadeInFast as FadeInFast,
    FadeOutFast as FadeOutFast,
    OpacityScale as OpacityScale,
    PlayTrajectory as PlayTrajectory,
    UpdateFromAlpha as UpdateFromAlpha,
    ticked as ticked,
)
from .chains_in_space import ChainsInSpaceScene as ChainsInSpaceScene
from .colors import blend as blend, turned as turned
from .density_scene import DensityScene as DensityScene
from .layout.box import Box as Box, Boxes as Boxes
from .layout.page import (
    MOVING_TEXT as MOVING_TEXT,
    Page as Page,
    containing as containing,
    fitted as fitted,
    narrowed as narrowed,
)
from .layout.paragraph import paragraph as paragraph
from .layout.plane import Plane as Plane
from .layout.space import Space as Space
from .layout.views import around as around
from .many_chains_scene import ManyChainsScene as ManyChainsScene
from .mobjects.base import Raster as Raster
from .mobjects.camera import BulkCamera as BulkCamera
from .mobjects.furniture.arrow import StepArrow as StepArrow
from .mobjects.furniture.color_bar import ColorBar as ColorBar
from .mobjects.furniture.panels import (
    KEY_DOT_WIDTH as KEY_DOT_WIDTH,
    Key as Key,
    Rect as Rect,
    Slider as Slider,
    ZoomBeam as ZoomBeam,
    frame as frame,
    key_arrow as key_arrow,
    key_dashes as key_dashes,
    key_dot as key_dot,
    key_dots as key_dots,
    key_hues as key_hues,
    key_line as key_line,
    key_path as key_path,
    key_wheel as key_wheel,
    legend as legend,
    line as line,
    panel as panel,
    pill as pill,
    put_dashes as put_dashes,
)
from .mobjects.images.grid import ImageGrid as ImageGrid
from .mobjects.plane.cloud import PointCloud as PointCloud
from .mobjects.plane.curve import Curve as Curve, averaged as averaged
from .mobjects.plane.field import VectorField as VectorField
from .mobjects.plane.heat import Contours as Contours, Heatmap as Heatmap
from .mobjects.plane.histogram import Histogram2D as Histogram2D
from .mobjects.plane.lattice import Lattice as Lattice, areas as areas
from .mobjects.plane.paths import PathDensity as PathDensity
from .mobjects.plane.spokes import Spokes as Spokes
from .mobjects.plane.streamlines import Streamlines as Streamlines
from .mobjects.plane.tail import Tail as Tail
from .mobjects.plane.trails import Trails as Trails
from .mobjects.space.cloud import PointCloud3D as PointCloud3D, VectorField3D as VectorField3D
from .mobjects.space.hills import Hills as Hills
from .mobjects.space.lines import Cage as Cage, Trails3D as Trails3D
from .mobjects.space.orbit import Orbit as Orbit, Turn as Turn
from .parts.ahead import Ahead as Ahead
from .parts.axes import Axes as Axes, decades as decades, evenly as evenly, scale_bar as scale_bar
from .parts.beside import (
    FAR as FAR,
    METRIC as METRIC,
    BesideData as BesideData,
    distances as distances,
    fit_both as fit_both,
)
from .parts.beside_bell import BesideBell as BesideBell
from .parts.cell_readouts import CellReadouts as CellReadouts
from .parts.class_labels import (
    ClassLabels as ClassLabels,
    class_colors as class_colors,
    class_names as class_names,
    class_rgb as class_rgb,
)
from .parts.class_strips import ClassStrips as ClassStrips, first_of_each as first_of_each
from .parts.clock import Clock as Clock
from .parts.close_up import (
    close_ups as close_ups,
    play_close_up as play_close_up,
    settle as settle,
    way_ahead as way_ahead,
)
from .parts.cloud_tiles import CloudTiles as CloudTiles, even_steps as even_steps
from .parts.code_panel import CodePanel as CodePanel, loop_of as loop_of
from .parts.deformed_grid import (
    CellLens as CellLens,
    DeformedGrid as DeformedGrid,
    FollowedCell as FollowedCell,
    all_round as all_round,
)
from .parts.density_panel import DensityPanel as DensityPanel
from .parts.distance_chart import DistanceChart as DistanceChart
from .parts.distance_course import DistanceCourse as DistanceCourse
from .parts.distances import total_variation_curve as total_variation_curve
from .parts.filling import FillingHistogram as FillingHistogram
from .parts.flow_field import FlowField as FlowField, flowing as flowing
from .parts.flow_legend import FlowLegend as FlowLegend, flow_terms as flow_terms
from .parts.flow_marks import FlowMarks as FlowMarks
from .parts.flow_paths import FlowPaths as FlowPaths
from .parts.forward_keys import forward_keys as forward_keys
from .parts.forward_step import (
    ForwardStep as ForwardStep,
    one_step as one_step,
    steps_of as steps_of,
    told_step as told_step,
)
from .parts.generation_act import GenerationAct as GenerationAct, generation as generation
from .parts.glide import fit as fit
from .parts.hero import Hero as Hero, pick_hero as pick_hero
from .parts.hero_step import HeroStep as HeroStep
from .parts.judged_table import JudgedTable as JudgedTable
from .parts.latent.code_plane import CodePlane as CodePlane
from .parts.latent.codes_parting import CodesParting as CodesParting
from .parts.latent.decoded_sheet import DecodedSheet as DecodedSheet
from .parts.latent.hill_range import HillRange as HillRange
from .parts.latent.noise_to_code import NoiseToCode as NoiseToCode
from .parts.latent.one_noise_each_class import OneNoiseEachClass as OneNoiseEachClass
from .parts.learning_curves import (
    LearningCurves as LearningCurves,
    at_least as at_least,
    towards_the_data as towards_the_data,
)
from .parts.learning_images import LearningImages as LearningImages
from .parts.lettering import (
    SMOOTHEST as SMOOTHEST,
    denoised as denoised,
    farthest as farthest,
    noise_levels as noise_levels,
    rises as rises,
)
from .parts.level_scale import BAR as BAR, LevelScale as LevelScale
from .parts.likelihood import (
    CarriedCell as CarriedCell,
    LikelihoodChart as LikelihoodChart,
    LikelihoodScatter as LikelihoodScatter,
)
from .parts.marginals import (
    Marginal as Marginal,
    beside_marginals as beside_marginals,
    marginals as marginals,
    towards_the_bell as towards_the_bell,
)
from .parts.markov_row import MarkovRow as MarkovRow, two_rows as two_rows
from .parts.narration import Narration as Narration
from .parts.nearest_pairs import NearestPairs as NearestPairs, cells as cells
from .parts.noise_walk import NoiseWalk as NoiseWalk
from .parts.one_chain import OneChain as OneChain
from .parts.other_steps import OtherSteps as OtherSteps
from .parts.pair_act import PairAct as PairAct
from .parts.pair_panels import PairPanels as PairPanels
from .parts.patch_frames import PatchFrame as PatchFrame
from .parts.pictures import (
    PredictedImages as PredictedImages,
    PredictedNoise as PredictedNoise,
    alike as alike,
    image_grid as image_grid,
    image_values as image_values,
    noise_grid as noise_grid,
    paced_by_prediction as paced_by_prediction,
)
from .parts.pitchfork import Decisions as Decisions, Pitchfork as Pitchfork, Ribbons as Ribbons
from .parts.posterior import Ellipse as Ellipse, Fan as Fan, Mark as Mark
from .parts.racers import Racers as Racers
from .parts.ribbon import chance as chance, even_chains as even_chains
from .parts.ribbon_maps import FamilyMaps as FamilyMaps, MapBetweenEnds as MapBetweenEnds, MapRows as MapRows
from .parts.schedule_plot import (
    ScheduleColumn as ScheduleColumn,
    SchedulePlot as SchedulePlot,
    forward_equation as forward_equation,
    log_snr_of as log_snr_of,
    variance_kept as variance_kept,
)
from .parts.score_error import ScoreError as ScoreError
from .parts.score_panels import ScorePanels as ScorePanels
from .parts.sentence import sentence as sentence
from .parts.spectrum import (
    band_pass as band_pass,
    cutoffs as cutoffs,
    low_pass as low_pass,
    octaves as octaves,
    radial_power as radial_power,
)
from .parts.spectrum_plot import SpectrumPlot as SpectrumPlot
from .parts.spread_chart import SpreadChart as SpreadChart
from .parts.step_terms import StepTerms as StepTerms, telling_step as telling_step, vector as vector, window as window
from .parts.straightness import (
    evaluations_needed as evaluations_needed,
    on_straight_clock as on_straight_clock,
    straightness as straightness,
)
from .parts.stray_count import stray_count as stray_count
from .parts.tile_names import tile_names as tile_names
from .parts.tiles import ImageTiles as ImageTiles, tile_steps as tile_steps
from .parts.tilt import ClaimPanels as ClaimPanels, GuidedFields as GuidedFields, guided_where as guided_where
from .parts.walk_result import WalkResult as WalkResult, of_classes as of_classes, of_places as of_places
from .parts.without_noise import WithoutNoise as WithoutNoise
from .parts.zoom.inset import Inset as Inset
from .parts.zoom.legend import acceptance as acceptance, key_lines as key_lines, window_keys as window_keys
from .parts.zoom.magnifier import PACE as PACE, Magnifier as Magnifier
from .parts.zoom.pacing import Accelerating as Accelerating
from .parts.zoom.picking import pick_first as pick_first
from .parts.zoom.spotlight import Spotlight as Spotlight
from .parts.zoom.windows import check_moves as check_moves
from .scene import (
    Codes as Codes,
    Recording as Recording,
    RenderError as RenderError,
    SceneOptions as SceneOptions,
    Training as Training,
    Trajectory as Trajectory,
    TrajectoryScene as TrajectoryScene,
    captions as captions,
)
from .text.numbers import Number as Number, Running as Running
from .text.typst import Typeset as Typeset, escaped as escaped, maths as maths, words as words
from .theme import (
    HAIR as HAIR,
    LINE as LINE,
    RING as RING,
    Frame as Frame,
    Theme as Theme,
    point_radius as point_radius,
)
from .timeline import (
    Timeline as Timeline,
    eased as eased,
    evenly_in as evenly_in,
    landing as landing,
    linear as linear,
    log_snr as log_snr,
    paced as paced,
    path_length as path_length,
)
