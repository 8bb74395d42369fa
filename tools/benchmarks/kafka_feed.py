"""Sends lines to topics by librdkafka, which Freshet needs anyway, through ctypes."""

import ctypes

from .figures import Failure

NO_ERROR, QUEUE_FULL = 0, -184
COPY = 2
SETTINGS = {
    "compression.codec": "lz4",
    "linger.ms": "20",
    "batch.num.messages": "1000",
    "queue.buffering.max.kbytes": "262144",
    "log_level": "0",
}


class Producer:
    """A producer at some brokers; leaving `with` waits until everything is acknowledged."""

    def __init__(self, servers):
        self.library = library()
        problem = ctypes.create_string_buffer(512)
        configuration = self.library.rd_kafka_conf_new()
        for name, value in {"bootstrap.servers": servers, **SETTINGS}.items():
            if self.library.rd_kafka_conf_set(
                configuration, name.encode(), value.encode(), problem, len(problem)
            ):
                raise Failure(f"librdkafka: {problem.value.decode()}")
        producer_kind = 0
        self.handle = self.library.rd_kafka_new(
            producer_kind, configuration, problem, len(problem)
        )
        if not self.handle:
            raise Failure(f"librdkafka: {problem.value.decode()}")

    def send(self, topic, lines, partitions):
        """Sends lines to a topic, in turns to its partitions: each keeps their order."""
        handle = self.library.rd_kafka_topic_new(self.handle, topic.encode(), None)
        produce = self.library.rd_kafka_produce
        for at, line in enumerate(lines):
            while produce(handle, at % partitions, COPY, line, len(line), None, 0, None):
                error = self.library.rd_kafka_last_error()
                if error != QUEUE_FULL:
                    raise Failure(f"librdkafka: {self.library.rd_kafka_err2str(error).decode()}")
                self.library.rd_kafka_poll(self.handle, 10)
        self.library.rd_kafka_topic_destroy(handle)

    def __enter__(self):
        return self

    def __exit__(self, problem, *_):
        error = NO_ERROR if problem else self.library.rd_kafka_flush(self.handle, 60_000)
        self.library.rd_kafka_destroy(self.handle)
        if error != NO_ERROR:
            raise Failure(f"librdkafka: {self.library.rd_kafka_err2str(error).decode()}")


def library():
    """librdkafka with the signatures of what is used of it (rdkafka.h)."""
    try:
        loaded = ctypes.CDLL("librdkafka.so.1")
    except OSError as error:
        raise Failure(str(error)) from error
    pointer, text, size, integer = (
        ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int
    )
    signatures = {
        "rd_kafka_conf_new": (pointer, []),
        "rd_kafka_conf_set": (integer, [pointer, text, text, text, size]),
        "rd_kafka_new": (pointer, [integer, pointer, text, size]),
        "rd_kafka_topic_new": (pointer, [pointer, text, pointer]),
        "rd_kafka_topic_destroy": (None, [pointer]),
        "rd_kafka_produce": (
            integer, [pointer, ctypes.c_int32, integer, text, size, pointer, size, pointer]
        ),
        "rd_kafka_last_error": (integer, []),
        "rd_kafka_err2str": (text, [integer]),
        "rd_kafka_poll": (integer, [pointer, integer]),
        "rd_kafka_flush": (integer, [pointer, integer]),
        "rd_kafka_destroy": (None, [pointer]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(loaded, name)
        function.restype, function.argtypes = result, arguments
    return loaded
