"""What is graded, and for how many points. Points stand here and nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Criterion:
    """One thing to get right.

    Attributes:
        id: "exercise.part", as in "1.hidden".
        sentence: what a right solution does.
    """

    id: str
    points: float
    sentence: str

    @property
    def exercise(self) -> int:
        return int(self.id.partition(".")[0])

    @property
    def part(self) -> str:
        return self.id.partition(".")[2]


@dataclass(frozen=True)
class Exercise:
    """One function to write.

    Attributes:
        result: what it returns, as in "Your {result} …".
        arguments: the names of its arguments, in the sheet's order.
        form: the part of the rubric that the form of the answer costs: its type and shape, for any
            size, without side effects.
        end: the part where the chain of steps ends, for a mistake that sits nowhere else.
        uses: the part in which each argument is used.
        together: the part that says how the images of a batch go together.
        direction: the part that is lost where the order of the numbers is reversed.
        shapes: the shapes that the arguments may have, where the sheet leaves that open: what suits counts.
        plural: whether it is "your {result} are".
        own: the part that is lost where one image's result depends on the other images; or "".
        by_order: whether only the order of the numbers counts, not their values.
        differentiable: whether it is trained with.
    """

    number: int
    function: str
    result: str
    arguments: tuple[str, ...]
    criteria: tuple[Criterion, ...]
    form: str
    end: str
    plural: bool = False
    uses: Mapping[str, str] = field(default_factory=dict)
    together: str = ""
    direction: str = ""
    shapes: tuple[tuple[tuple[int, ...], ...] | None, ...] = (None,)
    own: str = ""
    by_order: bool = False
    differentiable: bool = False

    @property
    def points(self) -> float:
        return sum(criterion.points for criterion in self.criteria)

    @property
    def takes_parameters(self) -> bool:
        return "V" in self.arguments

    @property
    def are(self) -> str:
        return "are" if self.plural else "is"

    @property
    def have(self) -> str:
        return "have" if self.plural else "has"

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(criterion.part for criterion in self.criteria)


_MODEL = ("x", "V", "W", "b", "a")
_USES = {"x": "hidden", "V": "hidden", "b": "encoder_bias", "W": "output", "a": "output"}
_FLAT, _GRID = (-1, 784), (-1, 28, 28)

EXERCISES = {
    1: Exercise(
        1,
        "get_objective_term",
        "loss",
        _MODEL,
        (
            Criterion("1.hidden", 3, "The hidden layer is that of the sheet, with the ReLU"),
            Criterion("1.encoder_bias", 2, "The encoder's bias b is added before the ReLU"),
            Criterion("1.output", 3, "The output layer is linear, with the decoder's bias a"),
            Criterion("1.error", 3, "An image's error is the squared distance, summed over its pixels"),
            Criterion("1.average", 2, "The errors are averaged over the images of the batch"),
            Criterion("1.scalar", 2, "The result is one number that can be differentiated, for any N and h"),
        ),
        form="scalar",
        end="error",
        uses=_USES,
        together="average",
        differentiable=True,
    ),
    2: Exercise(
        2,
        "reconstruct",
        "images",
        _MODEL,
        (
            Criterion("2.hidden", 2, "The hidden layer is that of the sheet, with the ReLU"),
            Criterion("2.encoder_bias", 1, "The encoder's bias b is added before the ReLU"),
            Criterion("2.output", 2, "The output layer is linear, with the decoder's bias a"),
            Criterion("2.shape", 3, "The result is a tensor of images, [N, 28, 28], for any N and h"),
            Criterion("2.pixels", 2, "Every pixel is in its place"),
        ),
        form="shape",
        end="output",
        uses=_USES,
        together="pixels",
        plural=True,
    ),
    3: Exercise(
        3,
        "anomaly_score",
        "scores",
        ("x", "reconstruction"),
        (
            Criterion("3.shape", 2, "There is one score for each image, for any N"),
            Criterion("3.direction", 2, "A stranger image gets a larger score"),
            Criterion("3.error", 4, "The score orders images by their squared error, without ties"),
            Criterion("3.own", 2, "A score depends on its own image only"),
        ),
        form="shape",
        end="error",
        uses={"x": "error", "reconstruction": "error"},
        direction="direction",
        shapes=((_FLAT, _FLAT), (_GRID, _GRID), (_FLAT, _GRID)),
        plural=True,
        own="own",
        by_order=True,
    ),
}

CRITERIA = tuple(criterion for exercise in EXERCISES.values() for criterion in exercise.criteria)
TOTAL = sum(criterion.points for criterion in CRITERIA)
FUNCTIONS = {exercise.number: exercise.function for exercise in EXERCISES.values()}
