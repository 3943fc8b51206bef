"""Structured logs: one JSON object a line, one file for each actor of a node."""

import logging
import logging.handlers

import structlog

from actors.config import NodeConfig

MAX_LOG_BYTES = 16 * 1024 * 1024
KEPT_LOG_FILES = 3


def configure_logs(config: NodeConfig, actor: str) -> None:
    """Send this process's logs to ``logs/<actor>.jsonl`` in the node's directory."""
    config.log_directory.mkdir(parents=True, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(
        config.log_directory / f"{actor}.jsonl",
        maxBytes=MAX_LOG_BYTES,
        backupCount=KEPT_LOG_FILES,
        encoding="utf-8",
    )
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    for noisy in ("libp2p", "multiaddr", "urllib3", "asyncio", "httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
