"""The worker: RQ's loop in one process, the sweep beside it, and an answer on $PORT where the platform asks.

RQ's `SimpleWorker` is used, which runs jobs in its own process: a fork for each job would open every database
connection, TLS session and key cache anew, at a cost above that of most runs. What the fork would have guarded against
(a crash, a leak) is handled by leases and by restarting the process.
"""

import logging
import signal
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType
from typing import TYPE_CHECKING, Any

import redis
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.utils import now

from kernel.jobs import attempt, lease, queue
from kernel.jobs.sweeping import Sweeper

if TYPE_CHECKING:
    from redis.client import Pipeline

    from kernel.runtime import Runtime

_WORKER_TTL_S = 60
_log = logging.getLogger(__name__)


class _Worker(SimpleWorker):
    """RQ's worker, telling handlers that it is to stop, and soon back after Redis was away."""

    max_connection_wait_time = 4.0
    _working = False

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Do the job, known to be at it."""
        self._working = True
        try:
            super().execute_job(job, queue)
        finally:
            self._working = False

    def heartbeat(self, timeout: int | None = None, pipeline: "Pipeline | None" = None) -> None:
        """Stay known as alive; RQ calls this before each wait, so that here a stop is noticed whatever became of it."""
        if self._stop_requested and not self._working:
            raise StopRequested
        super().heartbeat(timeout, pipeline)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Finish the page at hand, then stop; a second signal stops at once (the lease is taken up by another).

        RQ's own way asks Redis whether it is at work, and so does not stop in order while Redis is away.
        """
        lease.stop_requested.set()
        self._stop_requested = True
        self._shutdown_requested_date = now()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.request_force_stop)
        if not self._working:
            raise StopRequested


def work(runtime: "Runtime") -> None:
    """Do runs until SIGTERM or SIGINT; return when the one at hand has come to a stop."""
    logging.getLogger("rq").setLevel(logging.WARNING)
    attempt.bind(runtime)
    lease.stop_requested.clear()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: lease.stop_requested.set())
    sweeper = Sweeper(runtime)
    sweeper.start()
    health = _answer_health(runtime.settings.port, sweeper) if runtime.settings.port else None
    try:
        while not lease.stop_requested.is_set():
            _work_until_trouble(runtime)
    except StopRequested:  # RQ's handler of signals raises it wherever the process stands
        _log.debug("stopped")
    finally:
        sweeper.stop()
        if health:
            health.shutdown()
            health.server_close()


def _work_until_trouble(runtime: "Runtime") -> None:
    """Run RQ's loop; it returns on a stop, and when Redis does not answer for long."""
    client = redis.Redis.from_url(runtime.settings.redis_url)  # its own: RQ changes the time-outs of its connection
    try:
        worker = _Worker(
            [queue.open_queue(client)],
            connection=client,
            serializer=JSONSerializer,
            log_job_description=False,
            default_result_ttl=0,
            worker_ttl=_WORKER_TTL_S,
        )
        worker.work(logging_level="WARNING")
    except redis.RedisError as error:
        _log.warning("queue does not answer", extra={"error": type(error).__name__})
    finally:
        client.close()
    if not lease.stop_requested.is_set():
        time.sleep(1)


def _answer_health(port: int, sweeper: Sweeper) -> ThreadingHTTPServer:
    """Return a server that answers every GET with 200 while sweeps succeed: start and health checks of a platform."""

    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Tell whether this worker is well."""
            well = sweeper.is_well()
            body = b"ok\n" if well else b"the database or the queue does not answer\n"
            self.send_response(HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Keep quiet: health checks come every few seconds."""

    server = ThreadingHTTPServer(("", port), Health)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server
