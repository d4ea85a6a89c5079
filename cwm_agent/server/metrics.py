"""What a server counts, under the names of vLLM's metrics, so that its dashboards show it."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from cwm_agent.server.engine.messages import Seen

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320)
_MODEL = ("model_name",)


class Metrics:
    """One registry for each server."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._registry = CollectorRegistry()
        self.running = self._gauge("vllm:num_requests_running", "Requests in the batch.")
        self.waiting = self._gauge("vllm:num_requests_waiting", "Requests that wait.")
        self.kv_used = self._gauge("vllm:kv_cache_usage_perc", "Share of KV pages in use, 0 to 1.")
        self.kept = self._gauge("cwm_agent:sessions_kept", "Conversations that rest with their KV.")
        self.sessions = self._gauge("cwm_agent:sessions", "Sessions that the engine holds.")
        self.starts = self._gauge("cwm_agent:engine_starts", "Starts of the engine's process.")
        self.queries = self._counter("vllm:prefix_cache_queries", "Prompt tokens.")
        self.hits = self._counter("vllm:prefix_cache_hits", "Prompt tokens with KV already there.")
        self.prompt = self._counter("vllm:prompt_tokens", "Prompt tokens.")
        self.generated = self._counter("vllm:generation_tokens", "Generated tokens.")
        self.unparsed = self._counter("cwm_agent:unparsed_calls", "Calls that say nothing.")
        self.disconnected = self._counter("cwm_agent:disconnects", "Clients that left early.")
        self.first = self._histogram("vllm:time_to_first_token_seconds", "To the first token.")
        self.between = self._histogram("vllm:inter_token_latency_seconds", "Between two tokens.")
        self.whole = self._histogram("vllm:e2e_request_latency_seconds", "Of whole requests.")
        self._success = Counter(
            "vllm:request_success",
            "Answers by how they ended.",
            (*_MODEL, "finished_reason"),
            registry=self._registry,
        )

    def succeeded(self, reason: str) -> None:
        """An answer is whole."""
        self._success.labels(self._model, reason).inc()

    def text(self, seen: Seen | None, starts: int) -> bytes:
        """All of it, with what the engine does now (None: it is away), in Prometheus' format."""
        self.starts.set(starts)
        if seen is not None:
            self.running.set(seen.stats.running)
            self.waiting.set(seen.stats.waiting)
            self.kv_used.set(seen.stats.kv_used or 0.0)
            self.kept.set(seen.kept)
            self.sessions.set(seen.sessions)
        return generate_latest(self._registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, _MODEL, registry=self._registry).labels(self._model)

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(name, text, _MODEL, registry=self._registry).labels(self._model)

    def _histogram(self, name: str, text: str) -> Histogram:
        made = Histogram(name, text, _MODEL, registry=self._registry, buckets=_SECONDS)
        return made.labels(self._model)
