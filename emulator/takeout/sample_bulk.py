# ruff: noqa: E501 -- prose reads best in one piece
"""Mail of the sample that no person wrote: newsletters, receipts, notices, bounces, a mailing list, spam.

Each of these carries the marks by which mail programs know it: List-Id and List-Unsubscribe, Precedence, Auto-Submitted, a
null return path. A system that takes such senders for people has a bug that these messages show.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

from emulator.takeout.sample_mail import HOME, QUARTER_START, REFERENCE, Mail, message_id, thread_number
from emulator.takeout.sample_people import FIRMS, MAYA, OWNER, PARTNERS

if TYPE_CHECKING:
    import random

_ME = (MAYA.name, OWNER)
_STILL_UNREAD = 0.6

_NEWSLETTERS = (
    ("Water Utility Weekly", "editor@waterutilityweekly.example", 7, "Category Promotions", (
        ("Nitrate limits: what changes in January", ("The new limits were published on Tuesday. We sum up what plants above 10,000 connections have to measure, how often,"
         " and who pays for the second sample.")),
        ("Why three towns went back to sand", "Membranes were meant to end the age of the sand filter. Three engineers tell us why they have ordered sand again."),
        ("Drought, year three", "Reservoirs in the south stand at 41 percent. The measures that worked, the ones that did not, and a map you can print."),
        ("A pump is not a purchase, it is a marriage", "Our guest author has bought 212 pumps and regrets nine. Read what she asks suppliers before she signs."),
        ("The sensor that found a leak nobody believed in", "Two percent more turbidity at night. That was all it took. A detective story from the night shift."))),
    ("Sales Notebook", "hello@salesnotebook.example", 14, "Category Promotions", (
        ("The question that opens a stuck deal", "Ask what happens if nothing happens. Then be quiet for ten seconds. It is harder than it sounds."),
        ("Write shorter follow-ups", "Four sentences: what you know, what you do not, what you suggest, by when. We rewrote twelve real mails."),
        ("When to walk away", "A lost deal in week two is cheaper than a lost deal in month nine. The five signs, ranked."))),
    ("Gothenburg Chamber of Commerce", "events@gbg-chamber.example", 21, "Category Updates", (
        ("Breakfast on export finance", "On the last Thursday of the month, 7:30, coffee from 7:15. Members come free, colleagues are welcome."),
        ("Members' evening at the harbour", "The autumn evening is back. Please register by Friday, the boat takes 90 people and no more."))),
    ("Optik & Messtechnik", "redaktion@optik-messtechnik.example", 14, "Category Promotions", (
        ("Neue Norm für Trübungsmessung", "Die überarbeitete Norm verlangt eine zweite Wellenlänge. Was das für Bestandsgeräte heißt, erklären wir auf vier Seiten."),
        ("Messe-Nachlese", "Zwölf Neuheiten, drei Trends und ein Getränkeautomat, der besser misst als manches Labor."))),
)  # fmt: skip

_NOTICES = (
    ("Railway", "no-reply@nordrail.example", "Your ticket to {city}", "Category Updates",
     "Thank you for travelling with us.\n\nBooking {number}\nGothenburg C to {city}\nDeparture {day}, 06:52, coach 4, seat 31\n\nShow this mail or the code in the app."),
    ("Paylane", "receipts@paylane.example", "Receipt {number}", "Category Updates",
     "You paid {amount} EUR to Café Kajen.\n\nCard ending in 4417\nReference {number}\n\nThis is an automatic receipt, please do not reply."),
    ("Hotel Astoria Booking", "noreply@astoria-booking.example", "Your reservation in {city} is confirmed", "Category Updates",
     "Dear Maya Lindqvist,\n\nyour room in {city} is confirmed for {day}, one night, breakfast included.\nConfirmation {number}. Free cancellation until 18:00 the day before."),
    ("CloudFolder", "no-reply@cloudfolder.example", 'Priya Raman shared "Drawing {number}" with you', "Category Updates",
     "Priya Raman has shared a file with you.\n\nDrawing {number}.dwg, 1.4 MB\n\nOpen it in CloudFolder. If you do not know this person, report it."),
    ("IT Service", "helpdesk@brightwater-sensors.example", "[Ticket {number}] Your request was closed", "Category Updates",
     'Hello Maya,\n\nthe ticket "projector in the small room" was closed by the team. If the problem comes back, answer within seven days.'),
    ("Security", "security-alerts@accounts-mail.example", "New sign-in from a phone", "Category Updates",
     "We noticed a new sign-in to your account from a phone in Gothenburg on {day}. If this was you, there is nothing to do."),
    ("Expensa", "notifications@expensa.example", "Report {number} was approved", "Category Updates",
     "Your expense report {number} over {amount} EUR was approved by Tomás Herrera and will be paid with the next salary."),
    ("Linkwork", "updates@linkwork.example", "You appeared in 9 searches this week", "Category Social",
     "People at four companies looked at your profile this week. Three of them work with water."),
)  # fmt: skip

_LIST = (
    ("Calibrating turbidity at very low values", ("Has anyone a good routine below 0.1 NTU? Ours drifts with the room temperature, and I am tired of the cold room.",
     "We use filtered water twice, sealed, and throw it away after a week. The glass matters more than the fluid.",
     "Second that about the glass. Also wipe in one direction only. It sounds like folklore and it is not.")),
    ("Free access to old survey data", ("The survey has put its river data from 1968 to 1994 online. Units change in 1977, do not ask how I found out.",
     "Thank you! Is the gap in 1981 in the original as well?", "It is. The summer intern of 1981 has a lot to answer for.")),
    ("Recommendations for a field pH meter", ("Mine has drowned. What do you carry these days?", "Anything with a replaceable cable. The cable dies first.",
     "And a red case. You will put it down in high grass.")),
    ("Meeting in spring: call for talks", ("The spring meeting takes place in Ghent. Talks of 15 minutes, abstracts until the end of January.",
     "Would a talk about failures be welcome? We have material.", "Failures are the most welcome of all.")),
)  # fmt: skip

_SPAM = (
    ("Dr. Philip Anders", "award-office@prize-claims.example", "You have been selected", ("Congratulations! Your address was selected for a grant of 2,500,000. Reply with your full name to"
     " begin the release.")),
    ("Cheap Meds Direct", "sale@meds-direct.example", "80% off, today only", "No prescription needed. Discreet parcels. Click before midnight."),
    ("Accounts Department", "invoice@secure-billing.example", "FINAL NOTICE invoice overdue", "Your service will be stopped. Open the attached document and enable its content to see the invoice."),
    ("Svetlana", "svetlana88@lonely-hearts.example", "hi", "I saw your profile and think we have much in common. Write me back?"),
    ("SEO Masters", "growth@seo-masters.example", "I checked your website", "Hi, I found 37 errors on your website. We can bring you to page one in 14 days, guaranteed."),
    ("Crypto Desk", "desk@coinrocket.example", "Your wallet: action required", "Confirm your twelve words within 24 hours to keep access."),
)  # fmt: skip


def bulk_mails(rng: random.Random) -> list[Mail]:
    """Everything in the mailbox that was sent by a machine or to a crowd."""
    return [
        *_newsletters(rng),
        *_notices(rng),
        *_mailing_list(rng),
        *_spam(rng),
        *_bounces(rng),
        *_absences(rng),
        *_list_copies(rng),
    ]


def _mail(name: str, at: datetime, sender: tuple[str, str], subject: str, text: str) -> Mail:
    return Mail(
        thread=thread_number(name),
        at=at,
        sender=sender,
        to=[_ME],
        subject=subject,
        text=text,
        message_id=message_id(name, sender[1].partition("@")[2]),
    )


def _read(at: datetime, rng: random.Random) -> list[str]:
    waiting = REFERENCE - at < timedelta(days=6) and rng.random() < _STILL_UNREAD
    return ["Inbox", "Unread"] if waiting else [rng.choice(["Inbox", "Archived"]), "Opened"]


def _some_time(rng: random.Random) -> datetime:
    minutes = int((REFERENCE - QUARTER_START).total_seconds() // 60)
    return QUARTER_START + timedelta(minutes=rng.randrange(minutes), seconds=rng.randrange(60))


def _newsletters(rng: random.Random) -> list[Mail]:
    mails = []
    for name, address, every, category, issues in _NEWSLETTERS:
        at, number = QUARTER_START + timedelta(days=rng.randrange(every), hours=-1.5), 0
        while at < REFERENCE:
            subject, text = issues[number % len(issues)]
            issue = 118 + number
            mail = _mail(f"{name}{number}", at, (name, address), f"{subject} | No. {issue}", f"{name}, No. {issue}\n\n{subject}\n\n{text}\n\nYou get this"
                         f" letter because you signed up for it. Unsubscribe: https://{address.partition('@')[2]}/u/{issue}")  # fmt: skip
            mail.html = _letter(name, subject, text, issue)
            mail.headers = {
                "List-Id": f"{name} <{address.replace('@', '.')}>",
                "List-Unsubscribe": f"<https://{address.partition('@')[2]}/u/{issue}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
                "Precedence": "bulk",
            }
            mail.labels = [*_read(at, rng), category]
            mails.append(mail)
            at, number = at + timedelta(days=every), number + 1
    return mails


def _letter(name: str, subject: str, text: str, issue: int) -> str:
    return (
        '<html><head><style>.k{color:#456}</style></head><body style="background:#eef2f5"><table width="600" align="center"><tr><td>'
        f'<h3 class="k">{name} <small>No. {issue}</small></h3><h1>{subject}</h1><p>{text}</p>'
        f'<p><a href="https://letters.example/{issue}">Read on</a></p><img src="https://letters.example/open/{issue}.gif" width="1" height="1" alt="">'
        "</td></tr></table></body></html>"
    )


def _notices(rng: random.Random) -> list[Mail]:
    mails = []
    for number in range(44):
        name, address, subject, category, text = _NOTICES[number % len(_NOTICES)]
        at = _some_time(rng)
        slots = {
            "city": rng.choice(FIRMS).city,
            "number": str(rng.randrange(100000, 999999)),
            "day": f"{at + timedelta(days=6):%-d %B}",
            "amount": f"{rng.randrange(4, 190)}.{rng.randrange(100):02d}",
        }
        mail = _mail(f"notice{number}", at, (name, address), subject.format(**slots), text.format(**slots))
        mail.headers = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
        mail.labels = [*_read(at, rng), category]
        mails.append(mail)
    return mails


def _mailing_list(rng: random.Random) -> list[Mail]:
    writers = (
        ("Ole Brandt", "ole.brandt@uni-kveld.example"),
        ("Marie-Claire Dubois", "mc.dubois@hydro-nantes.example"),
        ("Greg Hollis", "ghollis@fieldlab.example"),
        ("Ana Kovačević", "ana.kovacevic@vodovod.example"),
    )
    mails = []
    for subject, turns in _LIST:
        at, earlier = _some_time(rng), list[str]()
        for place, text in enumerate(turns):
            name, address = writers[(place + len(subject)) % len(writers)]
            title = f"[fieldwater] {subject}"
            mail = _mail(f"list|{subject}|{place}", at, (name, address), title if not place else f"Re: {title}", f"{text}\n\n{name}\n_______\nfieldwater mailing list")  # fmt: skip
            mail.thread = thread_number(f"list|{subject}")
            mail.to = [("fieldwater", "fieldwater@lists.hydrology.example")]
            mail.references = list(earlier)
            mail.headers = {
                "List-Id": "Field work on water <fieldwater.lists.hydrology.example>",
                "List-Post": "<mailto:fieldwater@lists.hydrology.example>",
                "List-Unsubscribe": "<mailto:fieldwater-leave@lists.hydrology.example>",
                "Precedence": "list",
            }
            mail.labels = [*_read(at, rng), "Category Forums"]
            mails.append(mail)
            earlier.append(mail.message_id)
            at += timedelta(hours=rng.uniform(2, 40))
    return [mail for mail in mails if mail.at < REFERENCE]


def _spam(rng: random.Random) -> list[Mail]:
    mails = []
    for number in range(12):
        name, address, subject, text = _SPAM[number % len(_SPAM)]
        mail = _mail(f"spam{number}", _some_time(rng), (name, address), subject, text)
        mail.labels = ["Spam", "Unread"]
        mails.append(mail)
    return mails


def _bounces(rng: random.Random) -> list[Mail]:
    """Answers of mail servers to mail of the owner's that did not arrive."""
    mails = []
    for number, lost in enumerate(
        ("r.okafor@kestrelvalleywater.example", "einkauf@stadtwerke-rheinbah.example", "info@jadeterace.example")
    ):
        at = _some_time(rng)
        daemon = ("Mail Delivery Subsystem", "mailer-daemon@mail.brightwater-sensors.example")
        text = (
            f"Your message to {lost} was not delivered.\n\n550 5.1.1 The address does not exist. Please check it for typing errors.\n\n"
            "Reporting-MTA: dns; mail.brightwater-sensors.example\nAction: failed\nStatus: 5.1.1"
        )
        mail = _mail(f"bounce{number}", at, daemon, "Delivery Status Notification (Failure)", text)
        mail.headers = {"Auto-Submitted": "auto-replied", "Return-Path": "<>", "X-Failed-Recipients": lost}
        mail.labels = [*_read(at, rng), "Category Updates"]
        mails.append(mail)
    return mails


def _absences(rng: random.Random) -> list[Mail]:
    mails = []
    for number in range(9):
        person = FIRMS[(number * 5) % len(FIRMS)].people[-1] if number % 3 else PARTNERS[number % len(PARTNERS)]
        at = _some_time(rng)
        back = at + timedelta(days=rng.randrange(4, 16))
        text = (
            f"Thank you for your message. I am out of the office until {back:%-d %B} and read mail now and then. In urgent cases please"
            f" call our switchboard.\n\n{person.name}"
        )
        mail = _mail(f"away{number}", at, (person.name, person.email), "Automatic reply: Brightwater Sensors", text)
        mail.headers = {"Auto-Submitted": "auto-replied", "X-Autoreply": "yes", "Precedence": "auto_reply"}
        mail.labels = [*_read(at, rng), "Category Personal"]
        mails.append(mail)
    return mails


def _list_copies(rng: random.Random) -> list[Mail]:
    """Threads that the owner threw away, and drafts that never went out."""
    mails = []
    for number, subject in enumerate(
        ("Old brochure", "Fwd: parking", "Test", "Cake in the kitchen", "Lost: blue umbrella")
    ):
        at = _some_time(rng)
        mail = _mail(
            f"trash{number}",
            at,
            ("Reception", "reception@brightwater-sensors.example"),
            subject,
            f"{subject}.\n\nReception, ground floor",
        )
        mail.labels = ["Trash", "Opened"]
        mails.append(mail)
    for number, subject in enumerate(
        ("Ideas for the spring campaign", "To myself: questions for Kraków", "Quote for the council", "(no subject)")
    ):
        at = REFERENCE - timedelta(days=number * 3, hours=2)
        mail = _mail(
            f"draft{number}", at, _ME, "" if subject.startswith("(") else subject, "Points so far:\n\n- \n- ask Priya\n"
        )
        mail.to = [] if number % 2 else [(FIRMS[number].people[0].name, FIRMS[number].people[0].email)]
        mail.labels = ["Drafts", "Opened"]
        mails.append(mail)
    return mails


def received_line(mail: Mail) -> str:
    """The trace that the last mail server writes."""
    host = mail.sender[1].partition("@")[2]
    return f"from mx.{host} (mx.{host} [192.0.2.{len(host)}]) by mx.google.example; {format_datetime(mail.at.astimezone(HOME))}"
