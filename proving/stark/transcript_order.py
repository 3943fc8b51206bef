"""What prover and verifier say to each other, in order. Both run these functions.

    statement           verifying key, parameters of the proof system, public values, heights
    main                root of the main tree; proof of work; γ, β of the lookups
    lookup              root of the lookup tree and the claimed sums; α of the constraints
    quotient            root of the quotient tree; the point z
    opened values       of all columns at z, and of some at the next row; proof of work; λ, which
                        batches them for FRI
    FRI                 as `proving.fri.verifier` says

So a challenge comes after everything that it must not be guessed before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from proving.air.logup import LookupChallenges
from proving.errors import OutOfRange
from proving.field.extension import Extension
from proving.stark.instance import Instance
from proving.transcript import Transcript

PROTOCOL = "braid stark 1"
WORD_LIMIT = 1 << 32

ProofOfWork = Callable[[str, int], object]
"""The prover's search of a nonce, or the verifier's check: given a label and a number of bits."""


def begin(instance: Instance, public_values: Sequence[int]) -> Transcript:
    """Start a transcript with the statement.

    Raises
    ------
    OutOfRange
        If there are more public values than the machine has, or one is not a 32-bit word.
    """
    limit = instance.key.machine.max_public_values
    if len(public_values) > limit:
        raise OutOfRange("number of public values", f"0..{limit}", len(public_values))
    for value in public_values:
        if not 0 <= value < WORD_LIMIT:
            raise OutOfRange("public value", f"0..{WORD_LIMIT - 1}", value)
    transcript = Transcript(PROTOCOL)
    transcript.observe("verifying key", instance.key.digest)
    transcript.observe("parameters", instance.key.proof_parameters.encode())
    transcript.observe("public values", b"".join(v.to_bytes(4, "big") for v in public_values))
    transcript.observe("log heights", bytes(instance.log_heights))
    return transcript


def after_main(
    transcript: Transcript, root: bytes, bits: int, proof_of_work: ProofOfWork
) -> LookupChallenges:
    """Bind the main tree, and draw the challenges of the lookups."""
    transcript.observe("main root", root)
    proof_of_work("lookup challenges", bits)
    gamma = transcript.sample_extension("gamma")
    return LookupChallenges(gamma, transcript.sample_extension("beta"))


def after_lookups(transcript: Transcript, root: bytes, sums: Sequence[Extension]) -> Extension:
    """Bind the lookup tree and the claimed sums, and draw α."""
    transcript.observe("lookup root", root)
    transcript.observe_extension("lookup sums", sums)
    return transcript.sample_extension("alpha")


def after_quotient(transcript: Transcript, root: bytes) -> Extension:
    """Bind the quotient tree, and draw the point z."""
    transcript.observe("quotient root", root)
    return transcript.sample_extension("z")


def after_opened_values(
    transcript: Transcript, values: Iterable[Extension], bits: int, proof_of_work: ProofOfWork
) -> Extension:
    """Bind all opened values, and draw λ."""
    transcript.observe_extension("opened values", values)
    proof_of_work("batching challenge", bits)
    return transcript.sample_extension("lambda")
