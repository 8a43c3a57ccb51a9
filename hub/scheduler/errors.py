"""Why an appointment cannot be made or undone."""

from hub.errors import Conflict, Unprocessable
from hub.scheduler.availability import Slot


class SlotTaken(Conflict):
    """Somebody else has the slot."""

    code = "slot-taken"
    title = "The slot is taken"
    remedy = "Choose one of the alternatives, or another free slot."

    def __init__(self, alternatives: list[Slot]) -> None:
        super().__init__("somebody else has booked this slot")
        self.alternatives = alternatives
        """Free slots of the same specialist, the nearest first."""


class SlotNotOffered(Unprocessable):
    """The specialist offers no slot that begins then."""

    code = "slot-not-offered"
    title = "There is no such slot"
    remedy = "Choose a slot from the specialist's list of free slots."


class PatientUnknown(Unprocessable):
    """No record of the patient has arrived."""

    code = "patient-unknown"
    title = "The patient is not known here"
    remedy = "Check the id; a patient who has just registered is known once the kiosk's events have arrived."


class AnalysisUnknown(Unprocessable):
    """The patient has no such analysis here."""

    code = "analysis-unknown"
    title = "The patient has no such analysis"
    remedy = "Check the id, or book without naming an analysis."


class AppointmentBegun(Conflict):
    """What has begun cannot be undone."""

    code = "appointment-begun"
    title = "The appointment has begun"
    remedy = "Nothing needs to be done; its slot is over for others too."
