"""The same shape as `noop.rs` on Ray core: many no-op tasks, then single ones. Prints one line of JSON.

Ray keeps nothing on disk: there is no counterpart to our fdatasync.
"""

import argparse
import json
import os
import time

os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
import ray

parser = argparse.ArgumentParser()
parser.add_argument("--jobs", type=int, default=20_000)
parser.add_argument("--workers", type=int, default=2)
parser.add_argument("--singles", type=int, default=300)
arguments = parser.parse_args()

ray.init(num_cpus=arguments.workers, include_dashboard=False, logging_level="ERROR", log_to_driver=False)


@ray.remote
def noop(number):
    return number


ray.get([noop.remote(number) for number in range(500)])
begin = time.perf_counter()
results = ray.get([noop.remote(number) for number in range(arguments.jobs)])
seconds = time.perf_counter() - begin
assert results == list(range(arguments.jobs))

times = []
for number in range(arguments.singles):
    begin = time.perf_counter()
    ray.get(noop.remote(number))
    times.append((time.perf_counter() - begin) * 1e3)
times.sort()


def quantile(share):
    return times[round((len(times) - 1) * share)]


print(
    json.dumps(
        {
            "system": f"ray {ray.__version__}",
            "jobs": arguments.jobs,
            "workers": arguments.workers,
            "seconds": seconds,
            "jobs_per_second": arguments.jobs / seconds,
            "single_p50_ms": quantile(0.5),
            "single_p99_ms": quantile(0.99),
        }
    )
)
