"""The CRM's tables, one file a concept."""

from crm.models.copies import Excerpt
from crm.models.correspondence import Correspondent, Message, Participation
from crm.models.meetings import Attendance, Meeting, Occurrence
from crm.models.people import Company, Contact, Fact, FactTerm, Person, Suppression
from crm.models.sharing import ProtectedAddress, SharingException
from crm.models.work import Deal, Note, Task

__all__ = [
    "Attendance",
    "Company",
    "Contact",
    "Correspondent",
    "Deal",
    "Excerpt",
    "Fact",
    "FactTerm",
    "Meeting",
    "Message",
    "Note",
    "Occurrence",
    "Participation",
    "Person",
    "ProtectedAddress",
    "SharingException",
    "Suppression",
    "Task",
]
