# ruff: noqa: SIM905 -- a list literal of one word a line helps no reader
"""Curated words about addresses: free mail providers, role mailboxes, robots and the domains of machines.

Kept by hand and short: a wrong entry hides a real person, so only what is beyond doubt stands here.
"""

FREE_MAIL = frozenset(
    """
    gmail.com googlemail.com outlook.com hotmail.com hotmail.co.uk hotmail.fr hotmail.de hotmail.it hotmail.es
    live.com live.co.uk live.fr live.nl msn.com passport.com windowslive.com outlook.de outlook.fr outlook.es
    yahoo.com yahoo.co.uk yahoo.co.in yahoo.co.jp yahoo.fr yahoo.de yahoo.it yahoo.es yahoo.ca yahoo.com.br
    yahoo.com.au yahoo.com.ar yahoo.com.mx ymail.com rocketmail.com aol.com aim.com icloud.com me.com mac.com
    proton.me protonmail.com protonmail.ch pm.me tutanota.com tutanota.de tuta.io tuta.com keemail.me
    gmx.com gmx.de gmx.net gmx.at gmx.ch gmx.fr web.de freenet.de t-online.de arcor.de posteo.de posteo.net
    mailbox.org mail.com email.com usa.com europe.com fastmail.com fastmail.fm hey.com zoho.com zohomail.com
    zohomail.eu hushmail.com yandex.com yandex.ru ya.ru mail.ru bk.ru inbox.ru list.ru rambler.ru ukr.net
    i.ua wp.pl o2.pl onet.pl interia.pl op.pl seznam.cz email.cz centrum.cz azet.sk freemail.hu citromail.hu
    abv.bg mail.bg libero.it virgilio.it tiscali.it alice.it tin.it orange.fr wanadoo.fr free.fr laposte.net
    sfr.fr neuf.fr bbox.fr skynet.be telenet.be ziggo.nl kpnmail.nl planet.nl xs4all.nl home.nl hetnet.nl
    bluewin.ch hispeed.ch btinternet.com virginmedia.com sky.com talktalk.net ntlworld.com blueyonder.co.uk
    comcast.net verizon.net att.net sbcglobal.net bellsouth.net cox.net charter.net earthlink.net juno.com
    optonline.net frontier.com windstream.net rogers.com shaw.ca sympatico.ca telus.net bell.net videotron.ca
    bigpond.com bigpond.net.au optusnet.com.au xtra.co.nz uol.com.br bol.com.br terra.com.br ig.com.br
    globo.com qq.com foxmail.com 163.com 126.com yeah.net sina.com sina.cn sohu.com tom.com 139.com 189.cn
    aliyun.com naver.com hanmail.net daum.net nate.com docomo.ne.jp ezweb.ne.jp softbank.ne.jp rediffmail.com
    walla.co.il walla.com mynet.com sapo.pt telefonica.net terra.es duck.com mozmail.com privaterelay.appleid.com
    users.noreply.github.com simplelogin.com anonaddy.com mailinator.com yopmail.com guerrillamail.com
    """.split()
)

ROLES = frozenset(
    """
    abuse accounting accounts admin administrator admissions ap ar billing board careers compliance contact
    contacts contactus customercare customerservice dataprotection datenschutz dpo editor enquiries enquiry
    events everyone feedback finance frontdesk hello help helpdesk hostmaster hr info infos inquiries
    inquiry invoice invoices invoicing it jobs kontakt legal mail marketing media news office orders
    partners payroll postmaster press privacy procurement purchasing recruiting recruitment registrar
    reception returns sales security service services shop staff studio subscribe support team techsupport
    tickets unsubscribe webmaster welcome whois
    """.split()
)

ROBOT_NAMES = frozenset(
    """
    alert alerts announce announcements automailer autoreply autoresponder bot bounce bounces calendar-notification
    daemon devnull digest donotreply do-not-reply do_not_reply do.not.reply dontreply drive-shares-noreply
    listserv mailer mailer-daemon mailerdaemon mailman majordomo marketing-noreply message messages
    nepasrepondre newsletter newsletters no-reply no_reply no.reply nobody noreply noreply-spamdigest
    notification notifications notify notice notices null owner-nolist receipts reminder reminders robot
    root system updates
    """.split()
)

ROBOT_PARTS = ("noreply", "no-reply", "no_reply", "donotreply", "do-not-reply", "do_not_reply", "mailer-daemon")

ROBOT_PREFIXES = ("bounce+", "bounces+", "bounce-", "bounces-", "prvs=", "srs0=", "srs1=", "msprvs1=", "sentto-")

ROBOT_DOMAINS = (
    "resource.calendar.google.com",
    "group.calendar.google.com",
    "group.v.calendar.google.com",
    "import.calendar.google.com",
    "docs.google.com",
    "reply.github.com",
    "noreply.github.com",
    "reply.gitlab.com",
    "plus.google.com",
    "facebookmail.com",
    "bounce.linkedin.com",
    "amazonses.com",
    "bounces.google.com",
)
