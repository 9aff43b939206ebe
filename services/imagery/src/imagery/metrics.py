"""What the service tells Prometheus of its own work."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from imagery.decoding.pool import DecoderPool
from imagery.flow import Imagery
from imagery.studio import Studio

Reading = Callable[[], float]


class ImageryCollector(Collector):
    """Reads the counters that the parts keep, when it is asked."""

    def __init__(self, imagery: Imagery, studio: Studio, pool: DecoderPool) -> None:
        s3 = imagery.objects.s3
        self._tiers: dict[tuple[str, str], dict[str, Reading]] = {
            ("imagery_hits", "What a tier of caches had"): {
                "caller": lambda: imagery.hits["caller"],
                "memory": lambda: imagery.hits["memory"],
                "valkey": lambda: imagery.hits["valkey"],
                "disk": lambda: s3.kept_objects,
            },
            ("imagery_misses", "What a tier of caches was asked for and had not"): {
                "memory": lambda: imagery.misses["memory"],
                "valkey": lambda: imagery.misses["valkey"],
                "disk": lambda: s3.fetched_objects,
            },
        }
        self._counters: dict[tuple[str, str], Reading] = {
            ("imagery_decodes", "Frames decoded"): lambda: studio.decodes,
            ("imagery_fetched_objects", "Objects fetched from S3"): lambda: s3.fetched_objects,
            ("imagery_fetched_bytes", "Bytes fetched from S3"): lambda: s3.fetched_bytes,
        }
        self._gauges: dict[tuple[str, str], Reading] = {
            ("imagery_waiting", "Tasks that wait for a worker"): lambda: pool.waiting,
            ("imagery_workers", "Worker processes alive"): lambda: pool.alive,
            ("imagery_pixel_bytes", "Decoded pixels kept"): lambda: studio.pixel_bytes,
        }

    def register(self, registry: CollectorRegistry) -> None:
        """Join ``registry``."""
        registry.register(self)

    def collect(self) -> list[CounterMetricFamily | GaugeMetricFamily]:
        """All readings."""
        counters = [CounterMetricFamily(*n, value=read()) for n, read in self._counters.items()]
        gauges = [GaugeMetricFamily(*n, value=read()) for n, read in self._gauges.items()]
        return [*self._collect_tiers(), *counters, *gauges]

    def _collect_tiers(self) -> Iterator[CounterMetricFamily]:
        for named, readings in self._tiers.items():
            family = CounterMetricFamily(*named, labels=["tier"])
            for tier, read in readings.items():
                family.add_metric([tier], read())
            yield family
