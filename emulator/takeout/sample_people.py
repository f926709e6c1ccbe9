# ruff: noqa: E501 -- prose reads best in one piece
# ruff: noqa: RUF001 -- prose reads best in one piece, and names are written as their owners write them
"""The people of the sample mailbox: a small company that sells water sensors, and those it deals with.

All names and firms are invented; every domain ends in `.example` and can belong to nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, field

OWNER = "maya.lindqvist@brightwater-sensors.example"


@dataclass(frozen=True)
class Person:
    """Somebody who writes. `html` tells that their mail program sends HTML beside plain text."""

    first: str
    last: str
    email: str
    title: str
    firm: str
    phone: str = ""
    html: bool = False

    @property
    def name(self) -> str:
        """The full name."""
        return f"{self.first} {self.last}"


@dataclass(frozen=True)
class Firm:
    """A customer. `zone` is its IANA time zone, `product` what it buys and `price` euros apiece."""

    name: str
    domain: str
    city: str
    country: str
    zone: str
    site: str
    product: str
    quantity: int
    price: int
    ending: str
    people: tuple[Person, ...] = field(default=())


def _team(first: str, last: str, address: str, title: str, phone: str) -> Person:
    return Person(first, last, f"{address}@brightwater-sensors.example", title, "Brightwater Sensors", phone)


MAYA = _team("Maya", "Lindqvist", "maya.lindqvist", "Account Executive", "+46 31 555 01 20")
TOMAS = _team("Tomás", "Herrera", "tomas.herrera", "Head of Sales", "+46 31 555 01 21")
PRIYA = _team("Priya", "Raman", "priya.raman", "Sales Engineer", "+46 31 555 01 22")
JONAS = _team("Jonas", "Weber", "jonas.weber", "Customer Support Lead", "+46 31 555 01 23")
AOIFE = _team("Aoife", "Byrne", "aoife.byrne", "Finance", "+46 31 555 01 24")
KENJI = _team("Kenji", "Watanabe", "kenji.watanabe", "Product Manager", "+46 31 555 01 25")
TEAM = (MAYA, TOMAS, PRIYA, JONAS, AOIFE, KENJI)


def _firm(facts: str, *people: str) -> Firm:
    name, domain, city, country, zone, site, product, quantity, price, ending = facts.split("|")
    staff = []
    for place, line in enumerate(people):
        first, last, box, title, phone = line.split("|")
        staff.append(
            Person(first, last, f"{box}@{domain}", title, name, phone, html=place % 2 == 0 and ending != "lost")
        )
    return Firm(name, domain, city, country, zone, site, product, int(quantity), int(price), ending, tuple(staff))


FIRMS = (
    _firm(
        "Kestrel Valley Water|kestrelvalleywater.example|Leeds|United Kingdom|Europe/London|the Ashby works|TurbiScan 300|14|1180|won",
        "Eleanor|Pryce|e.pryce|Process Manager|+44 113 496 0142",
        "Darren|Whitlock|d.whitlock|Purchasing|+44 113 496 0157",
        "Nadia|Okonjo|n.okonjo|Laboratory Lead|+44 113 496 0163",
    ),
    _firm(
        "Hallgren & Söner Bryggeri|hallgrenbryggeri.example|Gothenburg|Sweden|Europe/Stockholm|the new bottling line|OxyProbe Inline|6|2150|won",
        "Björn|Åkesson|bjorn.akesson|Head Brewer|+46 31 555 02 10",
        "Sofia|Hallgren|sofia|Managing Director|+46 31 555 02 11",
    ),
    _firm(
        "Fjordfisk Oppdrett|fjordfisk.example|Bergen|Norway|Europe/Oslo|the Austevoll pens|AquaMesh Node|40|640|won",
        "Søren|Kjær|soren.kjaer|Site Operations|+47 55 55 01 31",
        "Ingrid|Strømme|ingrid.stromme|Fish Health|+47 55 55 01 32",
    ),
    _firm(
        "Lakeshore Utilities District|lakeshore-ud.example|Chicago|United States|America/Chicago|the north intake|TurbiScan 300|22|1240|open",
        "Marcus|Delgado|mdelgado|Operations Superintendent|+1 312 555 0148",
        "Rachel|Stein|rstein|Procurement Analyst|+1 312 555 0151",
        "Wendell|Price|wprice|Plant Engineer|+1 312 555 0166",
    ),
    _firm(
        "Maison Lefèvre Eaux|lefevre-eaux.example|Lyon|France|Europe/Paris|the Givors spring|PureLine Monitor|9|1890|open",
        "François|Lefèvre|francois|Owner|+33 4 55 50 12 10",
        "Camille|Dufour|c.dufour|Quality Manager|+33 4 55 50 12 14",
    ),
    _firm(
        "Stadtwerke Rheinbach|stadtwerke-rheinbach.example|Rheinbach|Germany|Europe/Berlin|the Eifel reservoir|TurbiScan 300|18|1210|won",
        "Jürgen|Möller|moeller|Betriebsleiter|+49 2226 5550 41",
        "Katharina|Weiß|k.weiss|Einkauf|+49 2226 5550 43",
    ),
    _firm(
        "Nowak Laboratoria|nowaklab.example|Kraków|Poland|Europe/Warsaw|the Podgórze lab|LabDock Bench|5|3400|lost",
        "Łukasz|Nowak|lukasz.nowak|Laboratory Director|+48 12 555 03 71",
        "Zofia|Wiśniewska|zofia.w|Analyst|+48 12 555 03 72",
    ),
    _firm(
        "Hayashi Water Systems|hayashi-water.example|Osaka|Japan|Asia/Tokyo|the Sakai demonstration plant|PureLine Monitor|12|1820|open",
        "Misaki|Tanaka|tanaka.misaki|Partnerships|+81 6 5555 0192",
        "Hiroshi|Hayashi|hayashi|President|+81 6 5555 0190",
    ),
    _firm(
        "Green Hollow Organics|greenhollow.example|Portland|United States|America/Los_Angeles|the hydroponics hall|NutriSense Kit|8|980|won",
        "Tess|Abernathy|tess|Co-founder|+1 503 555 0117",
        "Omar|Haddad|omar|Growing Lead|+1 503 555 0119",
    ),
    _firm(
        "Puerto Azul Marina|puertoazul.example|Valencia|Spain|Europe/Madrid|docks three to seven|AquaMesh Node|16|660|open",
        "Lucía|Navarro|lnavarro|Harbour Master|+34 96 555 01 80",
        "Iñaki|Etxeberria|ietxeberria|Maintenance|+34 96 555 01 84",
    ),
    _firm(
        "Clearfield Dairy Co-op|clearfielddairy.example|Cork|Ireland|Europe/Dublin|the effluent plant|OxyProbe Inline|4|2090|won",
        "Siobhán|Keane|s.keane|Environmental Officer|+353 21 555 0133",
        "Declan|Roche|d.roche|Maintenance Manager|+353 21 555 0135",
    ),
    _firm(
        "Vandermeer Greenhouses|vandermeer-kas.example|Westland|Netherlands|Europe/Amsterdam|houses 4 and 5|NutriSense Kit|20|940|lost",
        "Anouk|van der Meer|anouk|Operations Director|+31 174 555 021",
        "Pieter|de Groot|pieter|Technician|+31 174 555 027",
    ),
    _firm(
        "Cape Agulhas Desalination|agulhasdesal.example|Cape Town|South Africa|Africa/Johannesburg|train two|TurbiScan 300|10|1260|open",
        "Thandiwe|Mokoena|t.mokoena|Plant Manager|+27 21 555 0172",
        "Riaan|Botha|r.botha|Instrumentation|+27 21 555 0175",
    ),
    _firm(
        "Alder & Finch Consulting|alderfinch.example|Edinburgh|United Kingdom|Europe/London|the Tay catchment study|AquaMesh Node|24|655|won",
        "Fiona|Muir|fiona|Principal Hydrologist|+44 131 496 0123",
        "Gareth|Llewellyn|gareth|Field Lead|+44 131 496 0128",
    ),
)

PARTNERS = (
    Person(
        "Zoë",
        "Fischer",
        "zoe.fischer@linden-freight.example",
        "Forwarding",
        "Linden Freight",
        "+49 40 5550 118",
        html=True,
    ),
    Person("Matteo", "Ricci", "m.ricci@officina-ricci.example", "Enclosures", "Officina Ricci", "+39 011 555 0164"),
    Person(
        "Hanna",
        "Virtanen",
        "hanna.virtanen@pohjola-calibration.example",
        "Calibration",
        "Pohjola Calibration",
        "+358 9 5550 210",
    ),
    Person(
        "Samuel",
        "Adeyemi",
        "samuel@adeyemi-events.example",
        "Organiser",
        "Water Week Events",
        "+44 20 7946 0181",
        html=True,
    ),
    Person(
        "Elif", "Yıldız", "elif@yildiz-translations.example", "Translator", "Yıldız Translations", "+90 212 555 01 48"
    ),
)

FRIENDS = (
    Person("Linnea", "Lindqvist", "linnea.l@postlada.example", "", "", "+46 70 555 01 77"),
    Person("Oskar", "Berg", "oskar.berg@postlada.example", "", "", "+46 70 555 01 79", html=True),
    Person("Amara", "Nwosu", "amara.nwosu@mailhaven.example", "", "", "+44 7700 900 164"),
)

STRANGERS = (
    Person("Robert", "Ainsley", "rainsley@mossbridge-golf.example", "Head Greenkeeper", "Mossbridge Golf Club", ""),
    Person("Mei", "Lin", "mei.lin@jadeterrace.example", "Facilities", "Jade Terrace Hotels", "", html=True),
    Person("Carlos", "Pacheco", "cpacheco@rioclaro-sugar.example", "Engenheiro de Processo", "Rio Claro Açúcar", ""),
    Person("Annika", "Vogel", "annika.vogel@uni-lahnberg.example", "PhD Student", "University of Lahnberg", ""),
    Person("Peter", "Osei", "posei@voltaaqua.example", "Projects", "Volta Aqua", "", html=True),
    Person("Helen", "Castellano", "helen@castellano-pools.example", "Owner", "Castellano Pools", ""),
    Person("Yusuf", "Demir", "y.demir@bosfor-kimya.example", "Satın Alma", "Bosfor Kimya", ""),
    Person(
        "Grace", "Thornton", "grace.thornton@harrowgate-council.example", "Environment Team", "Harrowgate Council", ""
    ),
)
