# ruff: noqa: E501 -- prose reads best in one piece
"""Words of the sample's everyday work: support, meetings, colleagues, partners, strangers, friends.

Slots are those of `sample_deals`; a conversation here is a list of turns, "us" and "them" in turn unless a turn says who.
"""

SUPPORT: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Readings jump after cleaning",
        (
            (
                "Hi,\n\nSince the last firmware two of the {product} at {site} jump by about 8 % right after the cleaning cycle and need an hour to"
                " settle. It is always the same two. I attach the export of the weekend.\n\nIs this known?"
            ),
            (
                "Hi {them},\n\nThank you for the export, that helps a lot. Both units have the old wiper blade, which leaves a film with the new, slower"
                " cycle. Please set the cycle back to 12 seconds (menu 4.2) for now. Two blades are on their way to you, free of charge."
            ),
            "Set to 12 seconds and quiet since then. The blades came today, {other} will fit them on {day}.",
            "Great to hear. I leave the ticket open until the weekend and close it if nothing jumps.",
        ),
    ),
    (
        "Gateway loses connection every night",
        (
            (
                "Hello,\n\nOur gateway at {site} drops at 02:10 every night for about four minutes. IT swears that nothing happens at that time."
                " The readings are all there afterwards, but the control room gets an alarm and I get a phone call."
            ),
            (
                "Hello {them},\n\nGood that nothing is lost. 02:10 smells like a DHCP lease or a backup window. Could you send me the log from the"
                " page Diagnostics, and tell me whether the address is fixed?"
            ),
            "Log attached. The address is not fixed. IT now remembers a backup at 02:00. Imagine that.",
            "Thank you. I would fix the address and raise the alarm delay to ten minutes. With both you should be able to sleep.",
            "Three nights without a call. I owe you a beer.",
        ),
    ),
    (
        "Certificate for the auditor",
        (
            (
                "Hi,\n\nWe have an audit next week and I need the calibration certificates of all our {product} units, serial numbers in the"
                " attached list. Can this be done by {day}?"
            ),
            (
                "Hi {them},\n\nYes. Hanna at Pohjola issues them from our records, you will have them by {day} in one PDF. Two serial numbers on your list"
                " end in O where we have 0, I assume that is a typing matter."
            ),
            "It is. Thank you, that saved my week.",
        ),
    ),
    (
        "Question about spare parts",
        (
            "Hello,\n\nWhich gasket fits the {product} bought in 2023? The web page shows two, and {other} ordered the third.",
            (
                "Hello {them},\n\nThe blue one, part 40-118. The black one is for the housing with the longer neck. If the third has not been opened we take"
                " it back."
            ),
            "Not opened. It goes back on {day}. Thanks!",
        ),
    ),
    (
        "Display in the wrong language",
        (
            "Hi,\n\nAfter the update one display speaks Finnish. It is charming, but nobody here can silence the alarm any more.",
            (
                'Hi {them},\n\nHold the left key for five seconds, then press up twice and enter. That is "Kieli", the language. Our apologies, a'
                " default slipped through, the next version asks first."
            ),
            "Worked. {other} wants to keep it as it was.",
        ),
    ),
)

MEETINGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Visit at {site}",
        (
            (
                "Hi {them},\n\nI am in your area next week and would love to see {site}. Would an hour in the morning fit? I bring Priya if you"
                " have technical questions saved up, and pastry either way."
            ),
            "Hi {me},\n\nBring both. 9:30 at the gate, safety shoes required, we have helmets. {other} will show you around, I join at ten.",
            "Perfect, noted. The invitation follows in a minute.",
        ),
    ),
    (
        "Call about the next steps",
        (
            (
                "Hello {them},\n\nCould we have half an hour about the open points? I see four: cabling, training, the spare unit and the data export."
                " {day} at 14:00 your time?"
            ),
            "Hello {me},\n\n14:30 would be better, the school run has priority. Please add the warranty wording as point five.",
            "14:30 it is, with point five. Talk soon.",
        ),
    ),
    (
        "Annual review",
        (
            (
                "Dear {them},\n\nIt is a year since the first units went in. I would like to go through the figures with you: availability, drift and what"
                " support had to do. Priya has prepared a short report, it fits on two pages."
            ),
            "Dear {me},\n\nGladly. {day} in the afternoon? We also want to talk about the neighbouring plant, but please not in writing yet.",
            "Understood and noted. I book the room on our side and send a link.",
            "Thank you for today. The two pages are in the team folder, and the answer about the neighbour may come before Christmas.",
        ),
    ),
)

TEAM_TALKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Forecast for the quarter",
        (
            (
                "Hi all,\n\nThe sheet for the quarter is open. Please enter what you would bet your own lunch on, not what you hope for. I need it by Thursday"
                " noon."
            ),
            "Mine is in. {firm} is at 60 % because of the budget freeze, everything else I would bet a lunch on.",
            "Thank you Maya. 60 is brave, but you know them.",
        ),
    ),
    (
        "Stock of {product}",
        (
            "Hi,\n\nHow many {product} can we promise before the holidays? {firm} would take {quantity}.",
            "Hi Maya,\n\n{quantity} is possible if they order this week. The optics come in batches and the next one is in January.",
            "Good, I tell them exactly that.",
        ),
    ),
    (
        "Notes from {firm}",
        (
            (
                "Hi Priya,\n\nNotes from the call: they want the export every five minutes, {other} decides on the cabling, price is not the first worry. I"
                " promised the drawing by {day}."
            ),
            (
                "Drawing is done, two variants, I prefer the one without the second cabinet. One thing to check: their network people want certificates on the"
                " device."
            ),
            "Then let us show them the new page for that. Thanks!",
        ),
    ),
    (
        "Firmware 4.8 and wipers",
        (
            (
                "Hi sales,\n\nPlease do not promise 4.8 to anybody with old wiper blades yet. We have two reports about readings that jump after cleaning. A list of"
                " the serial numbers concerned is in the wiki."
            ),
            "Thanks for the warning, Kenji. Three of mine are on the list, I write to them before they write to us.",
            "4.8.1 is out and fixes the cycle. The list can be forgotten.",
        ),
    ),
    (
        "Lunch on Friday",
        (
            "Soup or the place with the dumplings? Elif is in town and joins us.",
            "Dumplings! Table for six?",
            "Booked for 12:15.",
        ),
    ),
    (
        "Price list 2027",
        (
            "Hi all,\n\nThe draft of the new price list is attached. Probes go up by 3 %, service stays. Comments until {day}, then it goes to print.",
            "Two remarks: the wiper option is missing on page three, and the discount steps should start at ten, our customers buy ten.",
            "Both taken over. Thanks Maya.",
        ),
    ),
    (
        "Water Week stand",
        (
            "Hi,\n\nSamuel offers us the corner stand again, 9 percent more than last year. We had 61 conversations there, four became orders. I would say yes.",
            "Yes from me. But please with the tank this time, nobody remembers a brochure.",
            "Tank approved. Kenji builds it, Jonas guards it.",
        ),
    ),
    (
        "Holiday handover",
        (
            (
                "Hi Tomás,\n\nI am away from {day} for a week. Open: {firm} (waiting for finance), the loan unit, and the reply to the council. Everything is in"
                " the notes. Would you keep an eye on it?"
            ),
            "Of course. Switch the phone off, I only call if the building is under water, and then we have sensors for that.",
        ),
    ),
)

PARTNER_TALKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Collection on {day}",
        (
            "Hello {them},\n\nThree boxes for {city}, 41 kg, ready from noon. The customer has a lift gate but no forklift. Can you take them on {day}?",
            "Hello Maya,\n\nYes, driver comes between one and three. Please use the new labels, the old ones confuse the scanner in Hamburg.",
            "New labels are on. Thank you!",
        ),
    ),
    (
        "Enclosures, next batch",
        (
            "Buongiorno {them},\n\nFor the next batch we need 60 enclosures, 10 of them with the longer neck. Is {day} four weeks from now realistic?",
            "Buongiorno Maya,\n\n60 yes, the long ones a week later, the tool is being repaired. The price stays until the end of the year.",
            "That works for us. The order comes from Aoife.",
        ),
    ),
    (
        "Calibration slots",
        (
            "Hi {them},\n\nCould you reserve two days in the week after next? There are 18 probes from {firm}, they would like them back before the audit.",
            "Hi Maya,\n\nReserved, Tuesday and Wednesday. Send the serial numbers as a list please, photos of labels make me cry.",
        ),
    ),
    (
        "Translation of the short guide",
        (
            "Hello {them},\n\nThe short guide has changed on four pages, marked in yellow. Could we have it in Turkish and Spanish by {day}?",
            'Hello Maya,\n\nTurkish yes, Spanish comes from my colleague two days later. "Wet calibration" keeps its footnote, I suppose?',
            "It does. Footnotes are for ever. Thank you!",
        ),
    ),
)

COLD: tuple[tuple[str, str], ...] = (
    (
        "Price of water sensors",
        (
            "Hello,\n\nI found you through a search. We look after {site_guess} and would like to know what a simple turbidity"
            " sensor costs, two or three pieces. A rough number is enough.\n\nThank you,"
        ),
    ),
    (
        "Question from your web page",
        (
            "Good day,\n\nDo your probes work in salt water, and do you have a dealer in our country? We are comparing three"
            " makers for {site_guess}.\n\nRegards,"
        ),
    ),
    (
        "Student project",
        (
            "Dear Ms Lindqvist,\n\nfor my thesis I measure oxygen in {site_guess}. Is there a chance to borrow a demonstration unit for six"
            " weeks? I would of course share the results and name you.\n\nWith kind regards,"
        ),
    ),
    (
        "Request for information",
        (
            "To whom it may concern,\n\nplease send us your catalogue and your conditions for resellers. Our interest is {site_guess}."
            "\n\nSincerely,"
        ),
    ),
)
SITES = ("a golf course with two ponds", "the fountains of four hotels", "a cane-washing plant", "a small lake near the town", "a chain of village wells",
         "indoor pools", "the cooling circuit of a paint plant", "the urban streams in our care")  # fmt: skip

COLD_REPLY = (
    (
        "Hello {them},\n\nThank you for writing. For a case like yours the smallest kit is usually right, it starts at 980 EUR and needs no cabinet. The"
        " leaflet is attached. If you tell me the depth and how often you want a reading, I can be more precise.\n\nBest regards,"
    ),
    (
        "Hi {them},\n\nYes, that is something we do. Shall we talk for fifteen minutes this week? You will know after that whether it is for you, and I"
        " will say so if it is not.\n\nBest,"
    ),
)

FRIENDLY: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Sunday?",
        (
            "Are you home on Sunday? Mum wants to try the mushroom thing again, and this time she has a recipe.",
            "We are! Bring the big pan. And maybe the recipe, just in case.",
            "Pan and recipe. See you at four.",
        ),
    ),
    (
        "The cabin in October",
        (
            "The cabin is free in the second week. Shall I book before the others wake up?",
            "Book! I ask for the Friday off.",
            "Done. You cook, I carry wood.",
        ),
    ),
    (
        "Photos from the regatta",
        (
            "Found the photos from August. You look terrified in all of them.",
            "I was steering. Somebody had to be terrified.",
            "Print number four. It goes on my wall.",
        ),
    ),
    (
        "Running group",
        (
            "Thursday at six by the bridge, easy pace, Amara promises.",
            "Her easy pace is my personal record. I will be there.",
        ),
    ),
)
