"""B: logs, warnings, metrics and traces, given guarded values or whatever a careless line gives them."""

# ruff: noqa: G004, LOG015, PLW0108 -- careless lines

import io
import logging
import logging.config
import logging.handlers
import pickle
import queue
import traceback
import warnings
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, Info

from kernel.diagnostics import JsonLines
from limited_use.sealing import SealedError
from tests.leaks.registry import Act, attempt

_log = logging.getLogger("web.somewhere")


def says(name: str, technique: str, act: Act, corpus: int | tuple[int, ...] = 20) -> None:
    """Register a way of logging that tells nothing."""
    attempt(name, sink="log", technique=technique, corpus=corpus)(act)


says("B20-args", "an argument of a message", lambda value: _log.info("from %s", value))
says("B20-repr", "an argument by its repr", lambda value: _log.info("from %r", value))
says("B20-map", "a mapping of arguments", lambda value: _log.info("from %(v)s", {"v": value}))
says("B20-message", "the value as the message", lambda value: _log.warning(value))
says("B20-extra", "extra fields", lambda value: _log.info("seen", extra={"subject": value}))
says("B20-exception", "exc_info with the value in the error", lambda value: _raised(value))
says("B20-stack", "stack_info", lambda value: _log.info("here", stack_info=True, extra={"v": value}))
says("B20-json-lines", "the product's own formatter", lambda value: _formatted(value))
says("B20-memory", "a handler that keeps records", lambda value: _through_memory(value))
says("B20-queue", "a handler that prepares records for a queue", lambda value: _through_queue(value))
says("B20-structlog", "structlog with every renderer", lambda value: _structlog(value))
says("B20-buffer", "a formatter with a template", lambda value: _with_style(value))
says("B21-repr", "a warning with the value's repr", lambda value: warnings.warn(f"odd: {value!r}", stacklevel=1), 21)


@attempt("B20-fstring", sink="log", technique="an f-string in a log call", corpus=20, refused=SealedError)
def interpolated(value):
    logging.info(f"from {value}")


@attempt("B20-pickled", sink="log", technique="records pickled for a log server", corpus=20, refused=SealedError)
def pickled(value):
    record = logging.LogRecord("web", logging.INFO, "x", 1, "from %s", None, None)
    record.args = (value,)
    pickle.dumps(record.__dict__)


@attempt("B20-socket", sink="log", technique="a socket handler to a log server", corpus=20)
def sent_as_records(house, trap):
    """The record is pickled for the wire; what cannot be pickled is not sent."""
    _handled(logging.handlers.SocketHandler("127.0.0.1", trap.peer.port), house)


@attempt("B20-http", sink="log", technique="an HTTP handler to a log server", corpus=20)
def sent_over_http(house, trap):
    handler = logging.handlers.HTTPHandler(f"127.0.0.1:{trap.peer.port}", "/log", method="POST")
    _handled(handler, house)


@attempt("B20-syslog", sink="log", technique="syslog", corpus=20)
def sent_to_syslog(house, trap):
    _handled(logging.handlers.SysLogHandler(("127.0.0.1", trap.peer.port)), house)


@attempt("B20-file", sink="log", technique="a rotating log file", corpus=20)
def written_to_a_file(house, trap):
    _handled(logging.handlers.RotatingFileHandler(trap.folder / "app.log", maxBytes=500, backupCount=5), house)


@attempt("B20-smtp", sink="log", technique="errors by mail", corpus=20)
def mailed(house, trap):
    handler = logging.handlers.SMTPHandler(
        ("127.0.0.1", trap.peer.port), "a@b.example", ["c@d.example"], "!", timeout=0.2
    )
    _handled(handler, house, values=1)


@attempt(
    "B20-config",
    sink="log",
    technique="everything at DEBUG, by dictConfig",
    corpus=20,
    opens=True,
    shown_in=("http",),
)
def at_debug(house, trap):
    """An operator who turns everything to DEBUG sees a page made without seeing what is on it."""
    root = logging.getLogger()
    before = root.handlers[:]
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(JsonLines())
    root.addHandler(handler)
    try:
        house.bert.get("/people")
        house.bert.get(f"/people/{house.person_id}")
    finally:
        root.handlers[:] = before
    trap.keep(out.getvalue())


@attempt(
    "B21-warn", sink="warning", technique="warnings.warn with the value", corpus=21, refused=(SealedError, TypeError)
)
def warned(value):
    warnings.warn(value, stacklevel=1)
    raise SealedError


@attempt("B21-deprecated", sink="warning", technique="a warning of a category made with the value", corpus=21)
def deprecated(value):
    warnings.warn(DeprecationWarning((value,)), stacklevel=1)


@attempt("B21-show", sink="warning", technique="showwarning to a stream", corpus=21, refused=SealedError)
def shown(value):
    warnings.showwarning(UserWarning(f"{value}"), UserWarning, "x.py", 1, io.StringIO())


@attempt("B25-label", sink="metric", technique="a label of a counter", corpus=25, refused=SealedError)
def counted(value):
    Counter("mails", "Mails.", ["sender"], registry=CollectorRegistry()).labels(value).inc()


@attempt(
    "B25-info", sink="metric", technique="an info metric", corpus=25, refused=(SealedError, TypeError, AttributeError)
)
def informed(value):
    Info("mail", "Mail.", registry=CollectorRegistry()).info({"sender": value})
    raise TypeError(str(value))


@attempt(
    "B25-name", sink="metric", technique="a metric's name", corpus=25, refused=(SealedError, TypeError, AttributeError)
)
def named(value):
    Counter(value, "Mails.", registry=CollectorRegistry())


@attempt("B25-observe", sink="metric", technique="an observed number", corpus=25, refused=(SealedError, TypeError))
def observed(value):
    Histogram("sizes", "Sizes.", registry=CollectorRegistry()).observe(value)


@attempt("B25-exemplar", sink="metric", technique="an exemplar", corpus=25, refused=(SealedError, TypeError))
def exemplified(value):
    Counter("seen", "Seen.", registry=CollectorRegistry()).inc(1, {"trace": value})


def _handled(handler: logging.Handler, house: Any, values: int = 20) -> None:
    """Log every value, in every way, through the handler alone."""
    logger = logging.getLogger("leaks.apart")
    logger.propagate = False
    logger.addHandler(handler)
    try:
        for name, value in list(house.values().items())[:values]:
            logger.error("from %s: %r %s", name, value, "x", extra={"subject": value})
            logger.error("failed", exc_info=ValueError(value))
    finally:
        logger.removeHandler(handler)
        handler.close()


def _raised(value: Any) -> None:
    try:
        raise ValueError(value, {"subject": value})  # noqa: TRY301 -- the attempt
    except ValueError:
        _log.exception("it failed")
        _log.error("it failed", exc_info=True)


def _formatted(value: Any) -> str:
    record = logging.LogRecord("web", logging.ERROR, "x", 1, "event", (), None)
    record.subject, record.many = value, [value, (value,)]
    try:
        raise ValueError(repr(value))  # noqa: TRY301 -- the attempt
    except ValueError as error:
        record.exc_info = (ValueError, error, error.__traceback__)
    return JsonLines().format(record)


def _through_memory(value: Any) -> str:
    handler = logging.handlers.MemoryHandler(1000)
    handler.emit(logging.LogRecord("web", logging.INFO, "x", 1, "from %r", (value,), None))
    return repr([vars(record) for record in handler.buffer])


def _through_queue(value: Any) -> str:
    waiting: queue.Queue[Any] = queue.Queue()
    handler = logging.handlers.QueueHandler(waiting)
    handler.emit(logging.LogRecord("web", logging.INFO, "x", 1, "from %r", (value,), None))
    return repr(vars(waiting.get()))


def _structlog(value: Any) -> list[str]:
    said = []
    for render in (structlog.processors.KeyValueRenderer(), structlog.processors.JSONRenderer(default=repr), repr):
        event = {"event": "seen", "subject": value}
        said.append(render(None, "info", event) if render is not repr else repr(event))
    return said


def _with_style(value: Any) -> str:
    record = logging.LogRecord("web", logging.INFO, "x", 1, "event", (), None)
    record.subject = value
    try:
        return logging.Formatter("{subject}", style="{").format(record)
    except SealedError as error:
        return "".join(traceback.format_exception(error))
