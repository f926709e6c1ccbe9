"""The guard's own runs: rotations, the root's renewal, the end of old versions."""

import uuid

from kernel.jobs import Lease, Next, register, scheduled
from kernel.runtime import Runtime
from limited_use import counting, key_figures, key_versions, rotation
from limited_use.keys import vault

REWRAP = "limited_use.rewrap_root"


@register(rotation.JOB)
def rotate_keys(runtime: Runtime, rotation_id: uuid.UUID, lease: Lease) -> Next | None:
    """Carry a rotation on."""
    return rotation.advance(runtime, rotation_id, lease)


@scheduled(REWRAP, every_s=86_400)
def rewrap_root(runtime: Runtime, _subject_id: uuid.UUID, lease: Lease) -> Next | None:
    """Every organisation's wrap key is wrapped by the newest version of the root, whoever renewed that."""
    store, after = vault(runtime).store, 0
    while not lease.stopping:
        following, _ = key_versions.rewrap_root(store, after)
        if following is None:
            return None
        after = following
    return Next()


@scheduled("limited_use.count_uses", every_s=3_600)
def count_uses(runtime: Runtime, _subject_id: uuid.UUID, lease: Lease) -> None:
    """The log tells what the hour came to, so that keys used without an entry would show."""
    told = key_figures.figures(vault(runtime).store)
    with runtime.begin() as work:
        lease.check(work.session)
        counting.tell(work.session, runtime.clock, told.unwraps)


@scheduled("limited_use.retire_keys", every_s=3_600)
def retire_keys(runtime: Runtime, _subject_id: uuid.UUID, _lease: Lease) -> None:
    """No version is kept that nothing has used for thirty days."""
    rotation.retire(runtime)
