"""Runs of MLflow, TensorBoard and W&B (offline), as these programs write them, and what they read of ours. Called by tests/foreign/run.

    python tests/foreign/programs.py write OUT [SEEDS]     # the same runs three times
    python tests/foreign/programs.py read MLRUNS WANDB CSV  # what `export --to` wrote, against results.csv
"""
import csv, glob, os, random, shutil, struct, sys, zlib
from pathlib import Path

os.environ.update(WANDB_MODE="offline", WANDB_SILENT="true", GIT_PYTHON_REFRESH="quiet", MLFLOW_ALLOW_FILE_STORE="true")


def runs(seeds):
    for model, centre in (("AE", 0.70), ("GCL", 0.73)):
        for seed in range(seeds):
            random.seed(f"{model}{seed}")
            yield model, seed, [round(centre + random.gauss(0, 0.01) - 0.02 / (1 + epoch), 6) for epoch in range(4)]


def mlflow_store(out, seeds):
    import mlflow

    mlflow.set_tracking_uri(out.resolve().as_uri())
    mlflow.set_experiment("two models")
    for model, seed, curve in runs(seeds):
        with mlflow.start_run(run_name=f"{model}-{seed}"):
            mlflow.log_params({"model": model, "seed": seed, "lr": 1e-4})
            for epoch, auc in enumerate(curve):
                mlflow.log_metric("val/auc", auc, step=epoch)
                mlflow.log_metric("loss", 1.0 / (1 + epoch), step=epoch)
    client = mlflow.MlflowClient()
    with mlflow.start_run(run_name="broken") as broken:
        mlflow.log_params({"model": "GCL", "seed": seeds, "lr": 1e-4})
    client.set_terminated(broken.info.run_id, "FAILED")
    with mlflow.start_run(run_name="deleted") as deleted:
        mlflow.log_params({"model": "GCL", "seed": 0, "lr": 1e-4})
        mlflow.log_metric("val/auc", 0.99)
    client.delete_run(deleted.info.run_id)


def tensorboard(out, seeds):
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    for model, seed, curve in runs(seeds):
        writer = EventFileWriter(str(out / f"{model}-seed{seed}"))
        for epoch, auc in enumerate(curve):
            for tag, value in (("val/auc", auc), ("loss", 1.0 / (1 + epoch))):
                summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
                writer.add_event(Event(step=epoch, wall_time=1.7e9 + epoch, summary=summary))
        writer.close()


def wandb_offline(out, seeds):
    import wandb

    out.mkdir(parents=True)
    settings = wandb.Settings(x_disable_stats=True, x_disable_meta=True, console="off")
    for model, seed, curve in runs(seeds):
        config = {"model": model, "seed": seed, "lr": 1e-4, "net": {"width": 64}}
        run = wandb.init(project="two-models", dir=str(out), name=f"{model}-{seed}", config=config, settings=settings)
        for epoch, auc in enumerate(curve):
            run.log({"val/auc": auc, "loss": 1.0 / (1 + epoch)})
        run.finish()


def wandb_records(path):
    """The records of a .wandb file, by W&B's own messages."""
    from wandb.proto import wandb_internal_pb2

    data = Path(path).read_bytes()
    assert data[:7] == b":W&B\xe1\xbe\x00", path
    at, part = 7, b""
    while at < len(data):
        left = 32768 - at % 32768
        if left < 7:
            at += left
            continue
        crc, length, kind = struct.unpack("<IHB", data[at : at + 7])
        block = data[at + 7 : at + 7 + length]
        assert zlib.crc32(block, zlib.crc32(bytes([kind]))) == crc, (path, at)
        at += 7 + length
        part = block if kind in (1, 2) else part + block
        if kind in (1, 4):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(part)
            yield record


def read(mlruns, offline, table):
    import json
    import mlflow

    expected = {row["job_id"]: row for row in csv.DictReader(open(table, encoding="utf-8"))}
    mlflow.set_tracking_uri(Path(mlruns).resolve().as_uri())
    client = mlflow.MlflowClient()
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    found = {run.data.params["job_id"]: run for run in client.search_runs(experiments, max_results=10000)}
    assert found.keys() == expected.keys(), (len(found), len(expected))
    for job, row in expected.items():
        run = found[job]
        assert run.info.status == ("FINISHED" if row["status"] == "done" else "FAILED"), (job, run.info.status)
        assert run.data.params["variant"] == row["variant"] and run.data.params["seed"] == row["seed"], job
        if row["auc"]:
            assert run.data.metrics["auc"] == float(row["auc"]), job
            history = client.get_metric_history(run.info.run_id, "auc_d" if row["auc_d"] else "auc_g")
            assert len(history) == max(1, int(row["epochs"] or 1)), (job, len(history))
    seen = set()
    for path in glob.glob(f"{offline}/offline-run-*/*.wandb"):
        records = list(wandb_records(path))
        config = {item.key: item.value_json for record in records if record.HasField("run") for item in record.run.config.update}
        job = json.loads(config["job_id"])
        summary = {(item.key or item.nested_key[0]): item.value_json for record in records if record.HasField("summary") for item in record.summary.update}
        if expected[job]["auc"]:
            assert float(summary["auc"]) == float(expected[job]["auc"]), job
        seen.add(job)
    assert seen == expected.keys()
    print(f"{len(expected)} runs read by mlflow {mlflow.__version__} and by W&B's messages: as results.csv has them")


if __name__ == "__main__":
    if sys.argv[1] == "write":
        root, seeds = Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 6
        shutil.rmtree(root, ignore_errors=True)
        mlflow_store(root / "mlruns", seeds)
        tensorboard(root / "tensorboard", seeds)
        wandb_offline(root / "wandb", seeds)
        with open(root / "expected.csv", "w", encoding="utf-8") as file:
            file.write("variant,seed,auc\n")
            file.writelines(f"{model},{seed},{curve[-1]!r}\n" for model, seed, curve in runs(seeds))
    else:
        read(*sys.argv[2:5])
