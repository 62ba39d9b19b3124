# SPDX-License-Identifier: MIT
"""_context.py - contexts: threads, limits, the log"""

import logging
from typing import Any, Optional

from ._errors import create
from ._native import ffi, lib
from ._tables import Config, text

logger = logging.getLogger('nflow')
logger.addHandler(logging.NullHandler())
_LEVELS = {lib.NF_LOG_WARNING: logging.WARNING, lib.NF_LOG_INFO: logging.INFO}


@ffi.def_extern(name='nflow_log')
def _log(user: Any, level: int, line: Any) -> None:
    logger.log(_LEVELS.get(level, logging.INFO), '%s', text(line))


class Context:
    """The environment of other objects: threads, limits, instruction set.

    Fields are those of nf_context_config: threads (1; -1: as many as the process may use), isa, strict, memory_budget,
    max_file_bytes and so on. Log lines go to logging.getLogger("nflow"). The results of a flow do not depend on the threads.
    """

    def __init__(self, **fields: Any) -> None:
        config = Config('context', fields)
        config.set_pointer('log', lib.nflow_log)
        self._handle = create(lib.nf_context_create, 'nf_context', lib.nf_context_unref, config)

    @property
    def threads(self) -> int:
        """How many threads it settled on."""
        return int(lib.nf_context_threads(self._handle))

    @property
    def isa(self) -> str:
        """The instruction set of its kernels: "avx512", "avx2", "neon" or "baseline"."""
        return text(lib.nf_context_isa(self._handle)) or ''

    @property
    def backend(self) -> str:
        """Who multiplies matrices: "native" or "cblas"."""
        return text(lib.nf_context_backend(self._handle)) or ''

    def cancel(self) -> None:
        """Asks every long call on its objects to end, from any thread, until resume()."""
        lib.nf_context_cancel(self._handle)

    def resume(self) -> None:
        """Lets calls run again after cancel()."""
        lib.nf_context_resume(self._handle)

    def __repr__(self) -> str:
        return 'nflow.Context(threads=%d, isa=%r, backend=%r)' % (self.threads, self.isa, self.backend)


_default: Optional[Context] = None


def context_or_default(context: Optional[Context]) -> Context:
    """The context given, or the one of all objects that were given none: one thread, the default limits."""
    global _default
    if context is None:
        if _default is None:
            _default = Context()
        context = _default
    return context
