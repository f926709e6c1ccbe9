"""What can go wrong on the way out. None of these errors says an address: it may be what somebody tried to send."""

from http import HTTPStatus

from kernel.errors import AppError, BadInput


class EgressRefused(AppError):  # noqa: N818 -- read as the state it reports
    """The request would have gone to a host that is not registered; nothing was sent."""

    code = "egress_refused"
    sentence = "A request to a host that is not registered was stopped. Nothing was sent."


class EgressBypassed(AppError):  # noqa: N818 -- as above
    """Something in this process reached for the network past the product's client; it was stopped."""

    code = "egress_bypassed"
    sentence = "A connection that nobody answers for was stopped, and is in the log. Nothing was sent."


class RegistryError(AppError):
    """The registry of destinations says something that it cannot say; the product does not start with it."""

    code = "egress_registry"
    sentence = "The registry of outside destinations cannot be used."


class EgressFailed(AppError):  # noqa: N818 -- as above
    """The other side does not answer, or not as HTTP does."""

    code = "egress_failed"
    status = HTTPStatus.BAD_GATEWAY
    sentence = "The other side does not answer at present."
    retry = True


class EgressTimedOut(EgressFailed):
    """The other side took longer than it may."""

    code = "egress_timed_out"
    status = HTTPStatus.GATEWAY_TIMEOUT
    sentence = "The other side took too long to answer."


class EgressUntrusted(EgressFailed):
    """The other side's certificate does not prove that it is the one that was named."""

    code = "egress_untrusted"
    sentence = "The other side's TLS certificate does not hold, so nothing was sent."


class EgressTooLarge(EgressFailed):
    """The answer is over the limit of its kind; it was not read to its end."""

    code = "egress_too_large"
    sentence = "The other side's answer is too large to be taken."
    retry = False


class UrlRefused(BadInput):
    """An address that somebody gave cannot be used; the sentence of each heir says why."""

    code = "url_refused"
    sentence = "This address cannot be used. Give an https:// address that anybody on the internet can reach."


class UrlMalformed(UrlRefused):
    """It is no address, or one that programs read in different ways."""

    code = "url_malformed"
    sentence = "This is not an address that can be used: leave out spaces, backslashes, user names and # parts."


class UrlScheme(UrlRefused):
    """It is not https."""

    code = "url_scheme"
    sentence = "The address must begin with https://, so that nobody on the way can read what is sent."


class UrlPort(UrlRefused):
    """Its port is none of those where web servers listen."""

    code = "url_port"
    sentence = "The address may name port 443 or 8443 only."


class UrlHost(UrlRefused):
    """Its host is a number, a name without a dot, or a name that means something inside a network only."""

    code = "url_host"
    sentence = "The address must name a host on the internet, such as hooks.example.com; numbers do not count."


class UrlPrivate(UrlRefused):
    """Its host is, or may become, an address inside a network."""

    code = "url_private"
    sentence = "This host lies in a private network, or is this product itself, so nothing is sent to it."


class UrlUnresolved(UrlRefused):
    """Nobody knows the host."""

    code = "url_unresolved"
    sentence = "No such host can be found at present. Check the address, or try again later."
    retry = True
