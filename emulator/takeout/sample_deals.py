# ruff: noqa: E501 -- prose reads best in one piece
"""Words of the sample's sales: each key is one step of a conversation, each text one way to say it.

Slots: {them} {me} first names, {firm} {site} {city} of the customer, {product} {quantity} {price} {total} {offer} of the deal,
{number} of a document, {day} a working day near by, {other} a colleague of the customer.
"""

DEAL: dict[str, tuple[str, ...]] = {
    "inquiry": (
        (
            "Hi {me},\n\nWe met briefly at Water Week and you showed me the {product}. We are looking at replacing the units at"
            " {site} before the winter, about {quantity} positions. Could you tell me what lead times look like at the moment, and whether"
            " the probes talk Modbus without an extra gateway?\n\nBest regards,"
        ),
        (
            "Hello {me},\n\nYour name was passed on to me by a colleague who runs a few of your sensors. At {site} we lose about a day a month"
            " to manual sampling, and the budget for next year finally has a line for it. We would need {quantity} of the {product},"
            " or whatever you think fits better.\n\nWhat would you need from us to put a price on it?\n\nKind regards,"
        ),
        (
            "Dear {me},\n\nWe are preparing a small tender for {site} and would like to include the {product}. The scope is"
            " {quantity} measuring points, commissioning and one day of training for the shift teams. Please send me the data sheet and"
            " a first indication of price, nothing binding.\n\nWith thanks,"
        ),
    ),
    "reply": (
        (
            "Hi {them},\n\nGood to hear from you. Yes, the {product} speaks Modbus TCP on its own since last year's firmware, so no gateway."
            " Lead time is five weeks right now, four if we can ship in two lots.\n\nBefore I quote I would like to know three things:"
            " the pipe diameters, how far the cabinets are from the measuring points, and who will clean the optics (this decides whether"
            " the wiper makes sense). A photo of one position says more than a drawing.\n\nBest,"
        ),
        (
            "Hello {them},\n\nThank you for thinking of us. {quantity} points at {site} sounds very doable. I have put Priya in copy:"
            " she has done the same exercise for two plants of your size and will have better questions than I do.\n\nCould we take thirty"
            " minutes on {day}? Afternoons work best from our side.\n\nBest regards,"
        ),
        (
            "Dear {them},\n\nThe data sheet is attached. As a first indication, list price for the {product} is {price} EUR apiece, and at"
            " {quantity} pieces we would be somewhere below that. Commissioning is a fixed 1,900 EUR a day, training is included if it"
            " falls on the same visit.\n\nIs there a date by which the tender closes?\n\nKind regards,"
        ),
    ),
    "details": (
        (
            "Hi {me},\n\nDN80 on most lines, two at DN150. Cabinets are within 30 metres everywhere except the far corner, which is 55."
            " {other} cleans on Fridays and would rather not, so please include the wiper as an option.\n\nThe photo is from this"
            " morning, excuse the rain."
        ),
        (
            "Hello {me},\n\n{day} works. {other} will join because the cabling is hers to pay for. Two questions you can already chew on:"
            " what happens to the readings when the network is down for an hour, and can we keep our own calibration fluid?"
        ),
        (
            "Dear {me},\n\nThe tender closes at the end of next week. Please quote {quantity} units with and without installation, and state"
            " the warranty separately, our purchasing compares those lines one by one."
        ),
    ),
    "quote": (
        (
            "Hi {them},\n\nHere is quote Q-{number}: {quantity} x {product} at {price} EUR, {total} EUR in all, delivered to {city}. The wiper is"
            " listed as an option on page two, and I have split the delivery so that you can start with the positions that hurt"
            " most.\n\nThe readings are kept for 72 hours when the network is down, so an hour is nothing to worry about. The quote is"
            " good for 30 days.\n\nBest,"
        ),
        (
            "Hello {them},\n\nAttached is our offer Q-{number}, {total} EUR for {quantity} units including the brackets. Priya sized it"
            " with one spare, because the one you need is always the one that is at calibration.\n\nTell me where it pinches and we will look at"
            " it together.\n\nBest regards,"
        ),
    ),
    "negotiate": (
        (
            "Hi {me},\n\nThank you, that is clear. I will be open with you: another supplier is at {offer} EUR for the whole lot. Their"
            " optics are not as good, and I would rather work with you, but the difference is more than I can sign without going upstairs."
            "\n\nIs there room?"
        ),
        (
            "Hello {me},\n\n{other} and I went through the offer. We can live with the unit price if the commissioning day is in it and"
            " payment is 60 days. Otherwise {offer} EUR is what the project has."
        ),
        (
            "Hi {me},\n\nWe like it. Two things: we would take the second lot only in spring, and we need the price held until then. Can"
            " you do {offer} EUR on that footing?"
        ),
    ),
    "concession": (
        (
            "Hi {them},\n\nI spoke with Tomás. We cannot meet {offer} EUR with the wipers in, but we can do this: the spare unit at half"
            " price, commissioning included, and 45 days. That brings the comparison within a few percent, and you keep the five-year"
            " warranty.\n\nShall I write it up?\n\nBest,"
        ),
        (
            "Hello {them},\n\nFair enough. {offer} EUR is possible if we ship everything in one lot and you agree that we may name you as a"
            " reference. The new version of Q-{number} is attached, only page one has changed.\n\nBest regards,"
        ),
    ),
    "won": (
        (
            "Hi {me},\n\nApproved this morning. The purchase order is attached, please quote its number on everything or the invoice will"
            " sit in a tray until spring. When can we expect the first lot?\n\nLooking forward to it,"
        ),
        (
            "Hello {me},\n\nGood news: {other} has signed. Our order follows by separate mail from the system, ignore the automatic note"
            " about insurance, it goes to everyone.\n\nThank you for your patience with us."
        ),
    ),
    "lost": (
        (
            "Hi {me},\n\nI am sorry to say that we decided for the other supplier. It came down to the budget year and not to your offer, which"
            " was the better one technically. Please keep in touch, the second hall comes up in 2027.\n\nRegards,"
        ),
        (
            "Hello {me},\n\nThe board has stopped all investments until the summer, ours included. I fought for it. May I come back to you"
            " when the freeze is over?"
        ),
    ),
    "open": (
        (
            "Hi {me},\n\nA short note so that you do not think we forgot you. The papers are with finance, {other} expects an answer by"
            " {day}. No news is no bad news."
        ),
        (
            "Hello {me},\n\nStill with us? The management wants to see one unit running at {site} before they decide. Could you lend us one"
            " for three weeks?"
        ),
    ),
    "thanks": (
        (
            "Hi {them},\n\nWonderful, thank you! The order is in our system, Jonas will write to you about the delivery window, and I will stay"
            " in the loop until the last probe is wet.\n\nBest,"
        ),
        (
            "Dear {them},\n\nThat is great news to start the day with. Aoife sends the order confirmation this afternoon. Anything"
            " that is not as you expect it, call me directly.\n\nWarm regards,"
        ),
    ),
    "regret": (
        (
            "Hi {them},\n\nThank you for telling me so plainly, I know these mails are no fun to write. I will check in after the summer,"
            " and if the others leave you waiting, you know where we are.\n\nAll the best,"
        ),
    ),
    "patience": (
        (
            "Hi {them},\n\nNo rush at all, I only want to keep your slot in the production plan: to deliver before the holidays we would need a"
            " word by {day}.\n\nA loan unit is no problem. Priya can bring it and set it up in an hour.\n\nBest,"
        ),
        (
            "Hello {them},\n\nThanks for the update. I have noted {day} and will not chase you before. If finance has questions, I am"
            " happy to talk to them directly.\n\nBest regards,"
        ),
    ),
}

DELIVERY: dict[str, tuple[str, ...]] = {
    "window": (
        (
            "Dear {them},\n\nYour {product} units are packed: {quantity} pieces, three boxes, 41 kg. Linden Freight collects on {day}, tracking"
            " number LF{number}. Please have someone check the shock labels before signing, it saves us both a discussion.\n\nThe"
            " commissioning could be in the week after. Which days suit the team at {site}?\n\nKind regards,"
        ),
    ),
    "arrived": (
        (
            "Hi {me} and Jonas,\n\nAll boxes are here and look fine. One bracket set is missing (we count {quantity} probes but one set less)."
            " Tuesday or Wednesday is best for us, the shift leader is {other}."
        ),
        (
            "Hello Jonas,\n\nThey arrived yesterday, one shock label is red, photo attached. The unit inside looks intact to me. Do we send it"
            " back or test it first?"
        ),
    ),
    "fixed": (
        (
            "Dear {them},\n\nThe missing part goes out today by courier, sorry for that. If a label is red we always swap the unit, keep it as a"
            " spare until ours arrives and send it back in the same box.\n\nSee you at {site},"
        ),
    ),
    "running": (
        (
            "Hi both,\n\nAll {quantity} are running since this morning and the trend is already prettier than what we had. {other} asked me"
            " to say that the training was the first one he did not sleep through.\n\nThank you!"
        ),
        (
            "Hello,\n\nUp and running. One remark for the manual: page 14 says terminal 6, on our units it is terminal 7. Apart from that a"
            " very smooth day."
        ),
    ),
}

INVOICE: dict[str, tuple[str, ...]] = {
    "remind": (
        (
            "Hi {them},\n\nA friendly nudge: invoice {number} over {total} EUR was due last week and I cannot see it on our side yet. Could you ask"
            " accounts whether the order number was missing? That is the usual reason.\n\nBest,"
        ),
        (
            "Dear {them},\n\nAoife tells me that invoice {number} is still open. Nothing dramatic, but the quarter closes soon. Is there"
            " anything you need from us to release it?\n\nKind regards,"
        ),
    ),
    "answer": (
        "Hi {me},\n\nApologies, it was waiting for my approval while I was away. Released now, it should be with you on {day}.",
        "Hello {me},\n\nAccounts want the VAT number on page one and not on page two. I know. Could you send it again?",
    ),
    "close": (
        "Hi {them},\n\nThank you, that was quick. The corrected copy is attached just in case.\n\nBest,",
        "Perfect, thank you {them}. I can see it now and have told Aoife.\n\nBest,",
    ),
}

SUBJECTS: dict[str, tuple[str, ...]] = {
    "deal": (
        "{product} for {site}",
        "Quote for {quantity} x {product}",
        "Replacing our sensors at {site}",
        "{firm}: measuring points",
    ),
    "delivery": (
        "Delivery of your {product}",
        "Shipment to {city} and commissioning",
        "Order {number}: delivery window",
    ),
    "invoice": ("Invoice {number}", "Open item {number}", "Payment of invoice {number}"),
}
