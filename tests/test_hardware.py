"""Energy is read from meters, and from nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench import hardware


def write(package: Path, microjoules: int) -> None:
    package.mkdir(parents=True, exist_ok=True)
    package.joinpath("energy_uj").write_text(str(microjoules))
    package.joinpath("max_energy_range_uj").write_text("10000000")


def test_packages_are_added_up_their_parts_are_not_and_a_counter_may_start_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "_gpu_names", lambda: ())
    write(tmp_path / "intel-rapl:0", 9_000_000)
    write(tmp_path / "intel-rapl:1", 1_000_000)
    write(tmp_path / "intel-rapl:0:0", 5_000_000)
    meter = hardware.energy_meter(tmp_path)
    assert meter is not None
    assert meter() == 10
    write(tmp_path / "intel-rapl:1", 3_000_000)
    assert meter() == 12
    write(tmp_path / "intel-rapl:0", 1_000_000)
    assert meter() == 14


def test_without_a_meter_nothing_is_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "_gpu_names", lambda: ())
    assert hardware.energy_meter(tmp_path) is None
    monkeypatch.setattr(hardware, "_gpu_names", lambda: ("an accelerator without its package or driver",))
    assert hardware.energy_meter(tmp_path) is None
