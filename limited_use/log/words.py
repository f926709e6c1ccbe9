"""The closed vocabularies of the log. A retired word stays in its list: old leaves still use it."""

import enum


class Kind(enum.StrEnum):
    """What happened."""

    RELEASE = "release"
    REVOCATION = "revocation"
    SUSPENSION = "suspension"
    KEY_CREATED = "key_created"
    KEY_ROTATED = "key_rotated"
    KEY_DESTROYED = "key_destroyed"
    PURGE = "purge"
    ERASURE = "erasure"
    RESTRICTION = "restriction"
    RETENTION = "retention"
    CONSENT = "consent"
    GRANT = "grant"
    POLICY = "policy"
    DESTINATION = "destination"
    MEMBERSHIP = "membership"
    SIGN_IN = "sign_in"
    EXPORT = "export"
    LOG_READ = "log_read"
    STAFF_CASE = "staff_case"
    SECURITY_EVENT = "security_event"
    BREACH = "breach"
    COUNTER = "counter"


class Decision(enum.StrEnum):
    """How it was decided; `event` where nothing was asked."""

    OPEN = "open"
    WITHHOLD = "withhold"
    REFUSE = "refuse"
    EVENT = "event"


class ActorClass(enum.StrEnum):
    """Who asked."""

    MEMBER = "member"
    TOKEN = "token"  # noqa: S105 -- the class of an actor, not a secret
    ADDON = "addon"
    WORKER = "worker"
    SYSTEM = "system"
    STAFF = "staff"
    ANONYMOUS = "anonymous"


class Purpose(enum.StrEnum):
    """Why, as far as it was said; `unknown` for a purpose that is none of ours."""

    USER_FEATURE = "user_feature"
    FEATURE_TRANSFER = "feature_transfer"
    SECURITY = "security"
    LEGAL = "legal"
    SUBJECT_RIGHT = "subject_right"
    WRITE_BACK = "write_back"
    AI_INFERENCE = "ai_inference"
    UNKNOWN = "unknown"


class Sink(enum.StrEnum):
    """Where to; `unknown` for a sink that is none of ours."""

    BROWSER = "browser"
    SIDEBAR = "sidebar"
    GOOGLE = "google"
    API = "api"
    EXPORT = "export"
    WEBHOOK = "webhook"
    MAIL = "mail"
    STAFF = "staff"
    AI_TOOL = "ai_tool"
    TRAINING = "training"
    ANALYTICS = "analytics"
    ADS = "ads"
    BROKER = "broker"
    CREDIT = "credit"
    UNKNOWN = "unknown"
