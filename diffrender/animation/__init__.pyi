from .animations import (
    FadeInFast as FadeInFast,
)
from .animations import (
    FadeOutFast as FadeOutFast,
)
from .animations import (
    OpacityScale as OpacityScale,
)
from .animations import (
    PlayTrajectory as PlayTrajectory,
)
from .animations import (
    UpdateFromAlpha as UpdateFromAlpha,
)
from .animations import (
    ticked as ticked,
)
from .density_scene import DensityScene as DensityScene
from .layout.arrangements import Box as Box
from .layout.arrangements import Boxes as Boxes
from .layout.page import MOVING_TEXT as MOVING_TEXT
from .layout.page import Page as Page
from .layout.page import containing as containing
from .layout.page import fitted as fitted
from .layout.paragraph import paragraph as paragraph
from .layout.views import Plane as Plane
from .layout.views import Space as Space
from .layout.views import around as around
from .many_chains_scene import ManyChainsScene as ManyChainsScene
from .mobjects.base import Raster as Raster
from .mobjects.camera import BulkCamera as BulkCamera
from .mobjects.furniture.arrow import StepArrow as StepArrow
from .mobjects.furniture.color_bar import ColorBar as ColorBar
from .mobjects.furniture.panels import (
    KEY_DOT_WIDTH as KEY_DOT_WIDTH,
)
from .mobjects.furniture.panels import (
    Key as Key,
)
from .mobjects.furniture.panels import (
    Rect as Rect,
)
from .mobjects.furniture.panels import (
    Slider as Slider,
)
from .mobjects.furniture.panels import (
    frame as frame,
)
from .mobjects.furniture.panels import (
    key_arrow as key_arrow,
)
from .mobjects.furniture.panels import (
    key_dashes as key_dashes,
)
from .mobjects.furniture.panels import (
    key_dot as key_dot,
)
from .mobjects.furniture.panels import (
    key_dots as key_dots,
)
from .mobjects.furniture.panels import (
    key_line as key_line,
)
from .mobjects.furniture.panels import (
    key_path as key_path,
)
from .mobjects.furniture.panels import (
    legend as legend,
)
from .mobjects.furniture.panels import (
    line as line,
)
from .mobjects.furniture.panels import (
    panel as panel,
)
from .mobjects.furniture.panels import (
    pill as pill,
)
from .mobjects.furniture.panels import (
    put_dashes as put_dashes,
)
from .mobjects.images.grid import ImageGrid as ImageGrid
from .mobjects.plane.cloud import PointCloud as PointCloud
from .mobjects.plane.curve import Curve as Curve
from .mobjects.plane.curve import averaged as averaged
from .mobjects.plane.field import Streamlines as Streamlines
from .mobjects.plane.field import VectorField as VectorField
from .mobjects.plane.heat import Contours as Contours
from .mobjects.plane.heat import Heatmap as Heatmap
from .mobjects.plane.histogram import Histogram2D as Histogram2D
from .mobjects.plane.lattice import Lattice as Lattice
from .mobjects.plane.lattice import areas as areas
from .mobjects.plane.paths import PathDensity as PathDensity
from .mobjects.plane.spokes import Spokes as Spokes
from .mobjects.plane.tail import Tail as Tail
from .mobjects.plane.trails import Trails as Trails
from .mobjects.space.cloud import PointCloud3D as PointCloud3D
from .mobjects.space.cloud import VectorField3D as VectorField3D
from .mobjects.space.hills import Hills as Hills
from .mobjects.space.lines import Cage as Cage
from .mobjects.space.lines import Trails3D as Trails3D
from .mobjects.space.orbit import Orbit as Orbit
from .mobjects.space.orbit import Turn as Turn
from .parts.axes import Axes as Axes
from .parts.axes import decades as decades
from .parts.axes import evenly as evenly
from .parts.axes import scale_bar as scale_bar
from .parts.beside import METRIC as METRIC
from .parts.beside import BesideData as BesideData
from .parts.beside import distances as distances
from .parts.class_labels import ClassLabels as ClassLabels
from .parts.class_labels import class_colors as class_colors
from .parts.class_labels import class_names as class_names
from .parts.class_labels import class_rgb as class_rgb
from .parts.class_strips import ClassStrips as ClassStrips
from .parts.class_strips import first_of_each as first_of_each
from .parts.clock import Clock as Clock
from .parts.cloud_tiles import CloudTiles as CloudTiles
from .parts.cloud_tiles import even_steps as even_steps
from .parts.code_panel import CodePanel as CodePanel
from .parts.code_panel import loop_of as loop_of
from .parts.deformed_grid import CellLens as CellLens
from .parts.deformed_grid import DeformedGrid as DeformedGrid
from .parts.deformed_grid import FollowedCell as FollowedCell
from .parts.density_panel import DensityPanel as DensityPanel
from .parts.distance_chart import DistanceChart as DistanceChart
from .parts.distances import total_variation_curve as total_variation_curve
from .parts.encoder_curves import EncoderCurves as EncoderCurves
from .parts.filling import FillingHistogram as FillingHistogram
from .parts.flow_field import FlowField as FlowField
from .parts.flow_paths import FlowPaths as FlowPaths
from .parts.glide import fit as fit
from .parts.hero import Hero as Hero
from .parts.hero import pick_hero as pick_hero
from .parts.hero_step import HeroStep as HeroStep
from .parts.hill_range import HillRange as HillRange
from .parts.learning_curves import LearningCurves as LearningCurves
from .parts.learning_images import LearningImages as LearningImages
from .parts.lettering import denoised as denoised
from .parts.level_scale import BAR as BAR
from .parts.level_scale import LevelScale as LevelScale
from .parts.likelihood import CarriedCell as CarriedCell
from .parts.likelihood import LikelihoodChart as LikelihoodChart
from .parts.likelihood import LikelihoodScatter as LikelihoodScatter
from .parts.marginals import Marginal as Marginal
from .parts.marginals import beside_marginals as beside_marginals
from .parts.marginals import marginals as marginals
from .parts.markov_row import MarkovRow as MarkovRow
from .parts.markov_row import two_rows as two_rows
from .parts.narration import Narration as Narration
from .parts.nearest_pairs import NearestPairs as NearestPairs
from .parts.nearest_pairs import cells as cells
from .parts.noise_walk import NoiseWalk as NoiseWalk
from .parts.one_chain import OneChain as OneChain
from .parts.pair_panels import PairPanels as PairPanels
from .parts.patch_frames import PatchFrame as PatchFrame
from .parts.pictures import PredictedImages as PredictedImages
from .parts.pictures import PredictedNoise as PredictedNoise
from .parts.pictures import alike as alike
from .parts.pictures import image_grid as image_grid
from .parts.pictures import image_values as image_values
from .parts.pictures import noise_grid as noise_grid
from .parts.pictures import paced_by_prediction as paced_by_prediction
from .parts.pitchfork import Decisions as Decisions
from .parts.pitchfork import Pitchfork as Pitchfork
from .parts.pitchfork import Ribbons as Ribbons
from .parts.posterior import Ellipse as Ellipse
from .parts.posterior import Fan as Fan
from .parts.posterior import Mark as Mark
from .parts.racers import Racers as Racers
from .parts.schedule_plot import ScheduleColumn as ScheduleColumn
from .parts.schedule_plot import SchedulePlot as SchedulePlot
from .parts.schedule_plot import forward_equation as forward_equation
from .parts.schedule_plot import log_snr_of as log_snr_of
from .parts.score_error import ScoreError as ScoreError
from .parts.score_panels import ScorePanels as ScorePanels
from .parts.spectrum import band_pass as band_pass
from .parts.spectrum import cutoffs as cutoffs
from .parts.spectrum import low_pass as low_pass
from .parts.spectrum import octaves as octaves
from .parts.spectrum import radial_power as radial_power
from .parts.spectrum_plot import SpectrumPlot as SpectrumPlot
from .parts.spread_chart import SpreadChart as SpreadChart
from .parts.step_terms import StepTerms as StepTerms
from .parts.step_terms import telling_step as telling_step
from .parts.step_terms import vector as vector
from .parts.step_terms import window as window
from .parts.straightness import evaluations_needed as evaluations_needed
from .parts.straightness import on_straight_clock as on_straight_clock
from .parts.straightness import straightness as straightness
from .parts.tiles import ImageTiles as ImageTiles
from .parts.tiles import tile_steps as tile_steps
from .parts.without_noise import WithoutNoise as WithoutNoise
from .parts.zoom.magnifier import PACE as PACE
from .parts.zoom.magnifier import TERMS as TERMS
from .parts.zoom.magnifier import Magnifier as Magnifier
from .parts.zoom.pacing import Accelerating as Accelerating
from .parts.zoom.pacing import pick_first as pick_first
from .parts.zoom.pacing import pick_step as pick_step
from .parts.zoom.spotlight import Spotlight as Spotlight
from .parts.zoom.spotlight import extent_of as extent_of
from .scene import (
    Codes as Codes,
)
from .scene import (
    Recording as Recording,
)
from .scene import (
    RenderError as RenderError,
)
from .scene import (
    SceneOptions as SceneOptions,
)
from .scene import (
    Training as Training,
)
from .scene import (
    Trajectory as Trajectory,
)
from .scene import (
    TrajectoryScene as TrajectoryScene,
)
from .scene import (
    captions as captions,
)
from .text.numbers import Number as Number
from .text.numbers import Running as Running
from .text.typst import Typeset as Typeset
from .text.typst import escaped as escaped
from .text.typst import maths as maths
from .text.typst import words as words
from .theme import (
    HAIR as HAIR,
)
from .theme import (
    LINE as LINE,
)
from .theme import (
    RING as RING,
)
from .theme import (
    Frame as Frame,
)
from .theme import (
    Theme as Theme,
)
from .theme import (
    blend as blend,
)
from .theme import (
    point_radius as point_radius,
)
from .theme import (
    turned as turned,
)
from .timeline import (
    Timeline as Timeline,
)
from .timeline import (
    eased as eased,
)
from .timeline import (
    linear as linear,
)
from .timeline import (
    log_snr as log_snr,
)
from .timeline import (
    paced as paced,
)
from .timeline import (
    path_length as path_length,
)
