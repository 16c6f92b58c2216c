"""How well training uses the device, and what a GPU gains over the CPU beside it.

    python benchmarks/gpu.py [--backend tensorflow|jax|torch] [--images N] [--batch 512] [--data cifar10.npz] [--json]

Needs Keras, NumPy, scikit-learn, Pillow and one backend; the workbench need not be installed. For ``cnn`` and
``resnet`` on 32x32 colour images of random pixels, images a second inside KerasClassifier stand against those of a
bare loop of the backend over the same Keras model: same batches, same precision, same kind of optimizer, the images on
the device before the clock starts. The device's peak is what the product of two large square matrices reaches in the
same run. Then an epoch of ``cnn`` on the GPU against one on the CPU of the same machine, and ``speedrun`` on CIFAR-10,
for which ``--data`` names an .npz file with uint8 images ``x_train`` and ``x_test``, labels ``y_train`` and ``y_test``.
"""

from __future__ import annotations

import argparse
import functools
import importlib.abc
import importlib.util
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "plugins")]

Array = np.ndarray[Any, Any]

#: What each backend is asked, in a process of its own, to know whether it sees a GPU: asking may take its memory.
SEES_GPU = {
    "tensorflow": "import tensorflow as tf; print(bool(tf.config.list_physical_devices('GPU')))",
    "jax": "import jax; print(jax.default_backend() == 'gpu')",
    "torch": "import torch; print(torch.cuda.is_available())",
}
SHAPE, N_CLASSES = (32, 32, 3), 10
#: Epochs that are timed, steps before the clock starts, images and images a step by default, a side of the matrices.
ON_GPU = {"epochs": 20, "untimed": 10, "images": 51_200, "batch": 512, "side": 8192}
ON_CPU = {"epochs": 3, "untimed": 2, "images": 1_024, "batch": 128, "side": 2048}
#: Images by which the CPU is timed when a GPU is there.
ON_OTHER = 8_192
GOAL = 0.95
ACCURACY = 0.94


def choose_backend() -> str:
    """Returns ``KERAS_BACKEND``, else the first installed backend that sees a GPU, else the first installed."""
    if named := os.environ.get("KERAS_BACKEND"):
        return named
    installed = [name for name in SEES_GPU if importlib.util.find_spec(name) is not None]
    if not installed:
        raise SystemExit("none of tensorflow, jax and torch is installed")
    for name in installed:
        asked = subprocess.run([sys.executable, "-c", SEES_GPU[name]], capture_output=True, text=True, check=False)
        if asked.stdout.strip().endswith("True"):
            return name
    return installed[0]


class WithoutTensorFlow(importlib.abc.MetaPathFinder):
    """Keras imports TensorFlow, if it is installed, beside any other backend: seconds, and a page on the terminal."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> None:
        """Finds no TensorFlow."""
        if fullname == "tensorflow":
            raise ModuleNotFoundError(fullname)


class Device:
    """What the backend computes on, and the little that is asked of each backend in its own way."""

    def __init__(self) -> None:
        from workbench_plugins.networks import backend

        self.keras = backend.keras
        self.backend = self.keras.backend.backend()
        if self.backend != "tensorflow":
            sys.meta_path.insert(0, WithoutTensorFlow())
        backend.share_device_memory()
        name = {"tensorflow": self._tensorflow, "jax": self._jax, "torch": self._torch}[self.backend]()
        self.gpu = name is not None
        self.name = name or processor()
        self.precision = backend.mixed_precision() if self.gpu else "float32"
        self.settings = ON_GPU if self.gpu else ON_CPU

    def _tensorflow(self) -> str | None:
        import tensorflow as tf

        for gpu in tf.config.list_physical_devices("GPU"):
            return str(tf.config.experimental.get_device_details(gpu).get("device_name", "GPU"))
        return None

    def _jax(self) -> str | None:
        import jax

        return None if jax.default_backend() == "cpu" else str(jax.devices()[0].device_kind)

    def _torch(self) -> str | None:
        import torch

        return str(torch.cuda.get_device_name()) if torch.cuda.is_available() else None

    @property
    def words(self) -> dict[str, Any]:
        """What KerasClassifier is told of the device."""
        return {"device": "gpu"} if self.gpu else {}

    def put(self, array: Array, dtype: str | None = None) -> Any:
        """Returns an array as a tensor on the device."""
        with self.keras.device("gpu:0" if self.gpu else "cpu:0"):
            return self.keras.ops.convert_to_tensor(array, dtype=dtype)

    def wait(self, result: Any) -> None:
        """Waits until the device is done."""
        if self.backend == "torch":
            import torch

            if torch.cuda.is_available():
                torch.cuda.synchronize()
        elif self.backend == "jax":
            result.block_until_ready()
        else:
            result.numpy()

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Returns a function as the backend compiles it; PyTorch's stays as it is, as in Keras."""
        if self.backend == "tensorflow":
            import tensorflow as tf

            return tf.function(function, jit_compile=self.gpu)  # type: ignore[no-any-return]
        if self.backend == "jax":
            import jax

            return jax.jit(function)
        return function


def processor() -> str:
    """Returns the name of the CPU and how many of its cores this process may use."""
    name = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        lines = [line for line in information.read_text().splitlines() if line.startswith("model name")]
        name = lines[0].partition(":")[2].strip() if lines else name
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{name}, {cores} core{'' if cores == 1 else 's'}"


def random_images(n: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (n, *SHAPE), dtype=np.uint8), rng.integers(0, N_CLASSES, n)


def networks() -> dict[str, tuple[str, Callable[..., Any]]]:
    """Returns what is measured: the parameters in words, and what builds the model."""
    from workbench_plugins.networks.cnn import build_cnn
    from workbench_plugins.networks.resnet import build_resnet

    return {
        "cnn": (
            "blocks=3, convolutions=2, width=32",
            functools.partial(build_cnn, blocks=3, convolutions=2, width=32, dropout=0.1),
        ),
        "resnet": ("blocks=2, width=32", functools.partial(build_resnet, blocks=2, width=32, dropout=0.1)),
    }


# ------------------------------------------------------------------------------------------------------ the bare loops


def tensorflow_step(model: Any, keras: Any, gpu: bool) -> Callable[[Any, Any], Any]:
    import tensorflow as tf

    optimizer = keras.optimizers.AdamW(2e-3, weight_decay=1e-4)
    optimizer.build(model.trainable_variables)

    @tf.function(jit_compile=gpu)
    def step(images: Any, targets: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = tf.cast(model(images, training=True), tf.float32)
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(targets, logits))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    return step  # type: ignore[no-any-return]


def jax_step(model: Any, keras: Any, gpu: bool) -> Callable[[Any, Any], Any]:
    import jax

    optimizer = keras.optimizers.AdamW(2e-3, weight_decay=1e-4)
    optimizer.build(model.trainable_variables)
    groups = (model.trainable_variables, model.non_trainable_variables, optimizer.variables)
    state = tuple([variable.value for variable in group] for group in groups)

    def loss(trainable: Any, others: Any, images: Any, targets: Any) -> Any:
        logits, others = model.stateless_call(trainable, others, images, training=True)
        return -(targets * jax.nn.log_softmax(logits.astype("float32"))).sum(axis=1).mean(), others

    @functools.partial(jax.jit, donate_argnums=0)
    def update(state: Any, images: Any, targets: Any) -> Any:
        trainable, others, slots = state
        (value, others), gradients = jax.value_and_grad(loss, has_aux=True)(trainable, others, images, targets)
        trainable, slots = optimizer.stateless_apply(slots, gradients, trainable)
        return value, (trainable, others, slots)

    def step(images: Any, targets: Any) -> Any:
        nonlocal state
        value, state = update(state, images, targets)
        return value

    return step


def torch_step(model: Any, keras: Any, gpu: bool) -> Callable[[Any, Any], Any]:
    import torch

    optimizer = torch.optim.AdamW([v.value for v in model.trainable_variables], lr=2e-3, weight_decay=1e-4)

    def step(images: Any, targets: Any) -> Any:
        loss = torch.nn.functional.cross_entropy(model(images, training=True).float(), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


STEPS = {"tensorflow": tensorflow_step, "jax": jax_step, "torch": torch_step}


class BareLoop:
    """Trains a model with the backend's own means, its images on the device."""

    def __init__(self, device: Device, build: Callable[..., Any], images: Array, labels: Array, batch: int) -> None:
        one_hot = np.eye(N_CLASSES, dtype=np.float32)[labels]
        starts = range(0, len(images) - batch + 1, batch)
        self._device = device
        self._batch = batch
        self._batches = [(device.put(images[i : i + batch]), device.put(one_hot[i : i + batch])) for i in starts]
        before = device.keras.config.dtype_policy()
        device.keras.config.set_dtype_policy(device.precision)
        self._step = STEPS[device.backend](build(SHAPE, N_CLASSES), device.keras, device.gpu)
        device.keras.config.set_dtype_policy(before)
        for _ in range(device.settings["untimed"]):
            loss = self._step(*self._batches[0])
        device.wait(loss)

    def images_per_second(self) -> float:
        """Trains for as many epochs as KerasClassifier is timed for."""
        started = time.perf_counter()
        for _ in range(self._device.settings["epochs"]):
            for images, targets in self._batches:
                loss = self._step(images, targets)
        self._device.wait(loss)
        seconds = time.perf_counter() - started
        return self._device.settings["epochs"] * len(self._batches) * self._batch / seconds


# -------------------------------------------------------------------------------------------------- what is measured


def measure_peak(device: Device) -> float:
    """Returns FLOP/s of a product of two large square matrices in the precision that networks compute in."""
    side = device.settings["side"]
    dtype = "bfloat16" if device.precision == "mixed_bfloat16" else "float32"
    rng = np.random.default_rng(0)
    a, b = (device.put(rng.standard_normal((side, side), dtype=np.float32), dtype) for _ in range(2))
    multiply = device.compiled(device.keras.ops.matmul)
    best = 0.0
    for times in (3, 5, 20, 20) if device.gpu else (1, 2, 2, 2):
        started = time.perf_counter()
        for _ in range(times):
            product = multiply(a, b)
        device.wait(product)
        best = max(best, times * 2 * side**3 / (time.perf_counter() - started))
    return best


def fitted(device: Device, build: Callable[..., Any], images: Array, labels: Array, batch: int) -> Any:
    """Returns a KerasClassifier after training, with a tenth of the images for validation."""
    from workbench_plugins.networks.keras_classifier import KerasClassifier

    epochs = device.settings["epochs"]  # all of them, though nothing can be learned from noise
    classifier = KerasClassifier(build, epochs=epochs, patience=epochs, batch_size=batch, **device.words)
    few = max(1, len(images) // 10)
    return classifier.fit(images, labels, validation_data=(images[:few], labels[:few]))


def measure_network(device: Device, build: Any, images: Array, labels: Array, batch: int, peak: float) -> Any:
    """Measures KerasClassifier between two turns of the bare loop, whose mean counts."""
    bare = BareLoop(device, build, images, labels, batch)
    turns = [bare.images_per_second()]
    classifier = fitted(device, build, images, labels, batch)
    turns.append(bare.images_per_second())
    speed = classifier.images_per_second_
    return {
        "images_per_second": speed,
        "bare_images_per_second": float(np.mean(turns)),
        "ratio": speed / float(np.mean(turns)),
        "compile_seconds": classifier.warmup_seconds_,
        "forward_flops_per_image": classifier.flops_,
        "flops_per_second": 3 * classifier.flops_ * speed,
        "share_of_peak": 3 * classifier.flops_ * speed / peak,
        "batch_size": classifier.batch_size_,
        "remarks": classifier.remarks_,
    }


def measure_cpu(backend: str, n: int, batch: int) -> dict[str, Any]:
    """Measures ``cnn`` on the CPU of this machine, in a process that sees no GPU."""
    hidden = {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu", "KERAS_BACKEND": backend}
    command = [sys.executable, __file__, "--only-cnn", "--images", str(n), "--batch", str(batch)]
    done = subprocess.run(command, env={**os.environ, **hidden}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"measuring on the CPU failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def measure_epoch(device: Device, speed: float, n: int, batch: int) -> dict[str, Any]:
    """Returns the seconds of an epoch of ``cnn``, whose speed on this device is known, here and on the CPU."""
    if not device.gpu:
        return {"images": n, "gpu_seconds": None, "cpu_seconds": n / speed, "cpu": device.name, "factor": None}
    timed = min(n, max(1, ON_OTHER // batch) * batch)
    other = measure_cpu(device.backend, timed, batch)
    return {
        "images": n,
        "gpu_seconds": n / speed,
        "cpu_seconds": n / other["images_per_second"],
        "cpu": other["device"],
        "cpu_images_timed": timed,
        "factor": speed / other["images_per_second"],
    }


class FixedTrial:
    """Suggests the parameters it was given."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        self._parameters = parameters

    def _suggest(self, name: str, *arguments: Any, **settings: Any) -> Any:
        return self._parameters[name]

    suggest_float = suggest_int = suggest_categorical = _suggest


class Watch:
    """Monitor that notes when each accuracy was reported."""

    seconds_left = 1e6
    best_step = None

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self.reports: list[tuple[float, float]] = []

    def report(self, value: float, step: int) -> None:
        """Notes seconds since the start and the accuracy."""
        self.reports.append((time.perf_counter() - self._started, value))


def measure_speedrun(device: Device, path: Path) -> dict[str, Any]:
    """Trains ``speedrun`` with the parameters it starts from and watches the accuracy on the test images."""
    from workbench.plugin import Task
    from workbench_plugins.networks.speedrun import speedrun

    with np.load(path) as data:
        images, tested = data["x_train"], data["x_test"]
        labels, truth = (data[name].ravel() for name in ("y_train", "y_test"))
    names = tuple(map(str, np.unique(labels)))
    task = Task(images.shape[1:], names, len(images), device="gpu" if device.gpu else "cpu")
    parameters = speedrun.start(task)  # type: ignore[attr-defined]
    watch = Watch()
    classifier = speedrun(FixedTrial(parameters), task)
    classifier.fit(images, labels, validation_data=(tested, truth), monitor=watch)
    speed = classifier.images_per_second_
    warmup = classifier.warmup_seconds_
    reached = next((seconds for seconds, accuracy in watch.reports if accuracy >= ACCURACY), None)
    return {
        "parameters": parameters,
        "images": len(images),
        "test_images": len(tested),
        "epochs": len(watch.reports),
        "warmup_seconds": warmup,
        "training_seconds": len(watch.reports) * len(images) / speed if speed else None,
        "images_per_second": speed,
        "test_accuracy": float(np.mean(classifier.predict(tested) == truth)),
        "seconds_to_accuracy": reached,
        "seconds_to_accuracy_after_warmup": None if reached is None else reached - warmup,
        "reports": watch.reports,
    }


# -------------------------------------------------------------------------------------------------- what is printed


def describe_network(name: str, words: str, found: dict[str, Any], peak: float) -> None:
    verdict = "reached" if found["ratio"] >= GOAL else "missed"
    print(f"\n{name} ({words}): {found['forward_flops_per_image'] / 1e6:,.1f} million operations forward, an image")
    print(f"  inside KerasClassifier  {found['images_per_second']:>12,.0f} images/s, in steady state")
    print(f"  bare loop               {found['bare_images_per_second']:>12,.0f} images/s, its images on the device")
    print(f"  ratio                   {found['ratio']:>12.2f} (goal of at least {GOAL}: {verdict})")
    print(f"  compiling, first steps  {found['compile_seconds']:>12.1f} s before that")
    share = f"{found['flops_per_second'] / 1e12:.3g} of {peak / 1e12:.3g} TFLOP/s"
    print(f"  share of the peak       {found['share_of_peak']:>12.1%} ({share}; training counts as 3 times forward)")
    for remark in found["remarks"]:
        print(f"  {remark}")
    sys.stdout.flush()


def describe_epoch(device: Device, found: dict[str, Any]) -> None:
    n = found["images"]
    print(f"\nan epoch of cnn over {n:,} images")
    if not device.gpu:
        print(f"  on the CPU {found['cpu_seconds']:>10.2f} s ({device.name})")
        print(f"  no GPU is seen by {device.backend}: all figures here are the CPU's, those of a GPU are missing")
        return
    timed = found["cpu_images_timed"]
    scaled = f", scaled from {timed:,} images" if timed < n else ""
    print(f"  on the GPU {found['gpu_seconds']:>10.2f} s ({device.name}, {device.precision})")
    print(f"  on the CPU {found['cpu_seconds']:>10.2f} s ({found['cpu']}, float32{scaled})")
    print(f"  factor     {found['factor']:>10.1f}: a day on this CPU is {24 / found['factor']:.2f} hours on this GPU")


def describe_speedrun(device: Device, found: dict[str, Any]) -> None:
    parameters = ", ".join(f"{name}={value}" for name, value in found["parameters"].items())
    kind = "a GPU" if device.gpu else "a CPU"
    print(f"\nspeedrun on {found['images']:,} images, as it starts on {kind} ({parameters})")
    print(f"  warm-up (compiling, timed first steps) {found['warmup_seconds']:>8.1f} s")
    training = "unknown" if found["training_seconds"] is None else f"{found['training_seconds']:.1f} s"
    print(f"  training, {found['epochs']} epochs without validation {training:>11}")
    print(f"  accuracy on {found['test_images']:,} test images {found['test_accuracy']:>18.4f}")
    reached = found["seconds_to_accuracy"]
    if reached is None:
        best = max(accuracy for _, accuracy in found["reports"])
        print(f"  a test accuracy of {ACCURACY} was not reached (best after an epoch: {best:.4f})")
        return
    print(f"  a test accuracy of {ACCURACY} was reached {reached:.1f} s after the call of fit, compiling included;")
    print(
        f"  {found['seconds_to_accuracy_after_warmup']:.1f} s without the warm-up; both include a test after each epoch"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=list(SEES_GPU), help="default: KERAS_BACKEND, else one that sees a GPU")
    kinds = "default: {} with a GPU, {} without"
    parser.add_argument("--images", type=int, help=kinds.format(ON_GPU["images"], ON_CPU["images"]))
    parser.add_argument("--batch", type=int, help=kinds.format(ON_GPU["batch"], ON_CPU["batch"]))
    parser.add_argument("--data", type=Path, help="CIFAR-10 as an .npz file, for speedrun")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead")
    parser.add_argument("--only-cnn", action="store_true", help=argparse.SUPPRESS)  # what measure_cpu runs
    arguments = parser.parse_args()
    os.environ["KERAS_BACKEND"] = arguments.backend or choose_backend()
    device = Device()
    batch = arguments.batch or device.settings["batch"]
    n = max(1, round((arguments.images or device.settings["images"]) / batch)) * batch  # whole steps on both sides
    images, labels = random_images(n)
    if arguments.only_cnn:
        classifier = fitted(device, networks()["cnn"][1], images, labels, batch)
        print(json.dumps({"images_per_second": classifier.images_per_second_, "device": device.name}))
        return

    show = not arguments.json
    peak = measure_peak(device)
    side = device.settings["side"]
    if show:
        print(f"{device.name}; Keras {device.keras.__version__} on {device.backend}; {device.precision}")
        print(f"{n:,} images of {'x'.join(map(str, SHAPE))} pixels, {batch} a step")
        dtype = "bfloat16" if device.precision == "mixed_bfloat16" else "float32"
        print(f"peak: {peak / 1e12:.3g} TFLOP/s, which a product of {side}x{side} {dtype} matrices reached in this run")
        sys.stdout.flush()
    report: dict[str, Any] = {
        "device": device.name,
        "gpu": device.gpu,
        "backend": device.backend,
        "keras": device.keras.__version__,
        "precision": device.precision,
        "images": n,
        "batch": batch,
        "peak_flops_per_second": peak,
        "peak_measured_by": f"matrix product of side {side}, same precision, same run",
        "networks": {},
    }
    for name, (words, build) in networks().items():
        report["networks"][name] = found = measure_network(device, build, images, labels, batch, peak)
        if show:
            describe_network(name, words, found, peak)

    report["epoch"] = measure_epoch(device, report["networks"]["cnn"]["images_per_second"], n, batch)
    if show:
        describe_epoch(device, report["epoch"])

    report["speedrun"] = measure_speedrun(device, arguments.data) if arguments.data else None
    if show and report["speedrun"]:
        describe_speedrun(device, report["speedrun"])
    elif show:
        print("\nspeedrun is measured on CIFAR-10: give --data cifar10.npz (x_train, y_train, x_test, y_test, uint8)")
    if arguments.json:
        print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
