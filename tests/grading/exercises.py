"""What is graded, and for how many points. Points stand here and nowhere else."""

from dataclasses import dataclass


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
        return int(self.id[0])

    @property
    def part(self) -> str:
        return self.id[2:]


EXERCISES = {1: "get_objective_term", 2: "reconstruct", 3: "anomaly_score"}

CRITERIA = (
    Criterion("1.hidden", 3, "The hidden layer is that of the sheet, with the ReLU"),
    Criterion("1.encoder_bias", 2, "The encoder's bias b is added before the ReLU"),
    Criterion("1.output", 3, "The output layer is linear, with the decoder's bias a"),
    Criterion("1.error", 3, "An image's error is the squared distance, summed over its pixels"),
    Criterion("1.average", 2, "The errors are averaged over the images of the batch"),
    Criterion("1.scalar", 2, "The result is one number that can be differentiated, for any N and h"),
    Criterion("2.hidden", 2, "The hidden layer is that of the sheet, with the ReLU"),
    Criterion("2.encoder_bias", 1, "The encoder's bias b is added before the ReLU"),
    Criterion("2.output", 2, "The output layer is linear, with the decoder's bias a"),
    Criterion("2.shape", 3, "The result is a tensor of images, [N, 28, 28], for any N and h"),
    Criterion("2.pixels", 2, "Every pixel is in its place"),
    Criterion("3.shape", 2, "There is one score for each image, for any N"),
    Criterion("3.direction", 2, "A stranger image gets a larger score"),
    Criterion("3.error", 4, "The score orders images by their squared error, without ties"),
    Criterion("3.own", 2, "A score depends on its own image only"),
)

TOTAL = sum(criterion.points for criterion in CRITERIA)


def criteria_of(exercise: int) -> list[Criterion]:
    return [criterion for criterion in CRITERIA if criterion.exercise == exercise]
