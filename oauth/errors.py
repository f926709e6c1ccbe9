"""What can go wrong between a browser, Google and us, each with the sentence that helps."""

from http import HTTPStatus

from kernel.errors import AppError


class AttemptUnknown(AppError):  # noqa: N818 -- read as the state it reports
    """The state that came back is none of ours, is used up, ran out, or belongs to another browser."""

    code = "oauth_state"
    status = HTTPStatus.BAD_REQUEST
    sentence = (
        "This way back from Google does not belong to a sign-in begun in this browser in the last ten minutes. "
        "Nothing was changed; begin again."
    )


class CodeRefused(AppError):  # noqa: N818 -- as above
    """Google did not take the code: used before, too old, or not ours."""

    code = "oauth_code"
    status = HTTPStatus.BAD_REQUEST
    sentence = "Google did not accept this answer: it was used before or is too old. Nothing was changed; begin again."


class IdentityRefused(AppError):  # noqa: N818 -- as above
    """The id token does not prove who this is."""

    code = "oauth_identity"
    status = HTTPStatus.BAD_REQUEST
    sentence = "Google's answer does not prove who you are, so you were not signed in. Begin again."


class AddressUnverified(AppError):  # noqa: N818 -- as above
    """Google does not vouch for the address."""

    code = "oauth_unverified"
    status = HTTPStatus.FORBIDDEN
    sentence = "Google has not verified the address of this account yet. Verify it at Google, then sign in again."


class WrongAccount(AppError):  # noqa: N818 -- as above
    """Another Google account consented than the one that is signed in here."""

    code = "oauth_wrong_account"
    status = HTTPStatus.CONFLICT
    sentence = (
        "You allowed this with another Google account than the one you are signed in with here. Nothing was "
        "connected. Connect again and choose the account whose address stands in the menu at the top."
    )


class RefusedByGoogle(AppError):  # noqa: N818 -- as above
    """Google, or the administrator of the Google account, does not allow it."""

    code = "oauth_refused"
    status = HTTPStatus.FORBIDDEN
    sentence = (
        "The administrator of your Google account does not allow this product. Ask them to allow it in the Google "
        "Admin console, then try again."
    )


class GoogleUnavailable(AppError):  # noqa: N818 -- as above
    """Google does not answer, or not as it should; nothing is known to be wrong with the grant."""

    code = "oauth_unavailable"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    sentence = "Google does not answer at present. Nothing is lost; it is tried again by itself."
    retry = True


class ClientRefused(AppError):  # noqa: N818 -- as above
    """Google refuses our own client id or secret: for the operator to mend, never a user's fault."""

    code = "oauth_client"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    sentence = "This installation's own registration at Google is not accepted. Its operator has to look at it."
    retry = True


class NotConnected(AppError):  # noqa: N818 -- as above
    """The grant is not active: suspended, or ended."""

    code = "not_connected"
    status = HTTPStatus.CONFLICT
    sentence = "This Google account is not connected at present. Connect it again under Connections."


class EndingUnderWay(AppError):  # noqa: N818 -- as above
    """An earlier connection of the same Google account is still being ended at Google."""

    code = "ending_under_way"
    status = HTTPStatus.CONFLICT
    sentence = (
        "Your earlier connection is still being ended at Google, and connecting now would be ended with it. "
        "Try again in a minute."
    )
    retry = True
