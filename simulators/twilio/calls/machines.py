"""Who answers a call that is placed: a person or a machine, told at once or beside the call.

What a detector would take from the sound is known here, because somebody put the person there.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulators.twilio.calls.people import Person

DETECTION_MS = 200
WAITS_FOR_END = "DetectMessageEnd"


@dataclass(frozen=True, slots=True)
class Detection:
    """Whether a placed call is listened to, and who is told what answered if that is told beside
    the call instead of before it goes on.
    """

    mode: str = ""
    is_beside: bool = False
    url: str = ""
    method: str = "POST"

    @property
    def is_first(self) -> bool:
        """True if nothing else happens until it is known."""
        return bool(self.mode) and not self.is_beside

    def answered_by(self, person: Person) -> str:
        """The vendor's word for who answered."""
        if not person.machine:
            return "human"
        return "machine_end_beep" if self.mode == WAITS_FOR_END else "machine_start"
