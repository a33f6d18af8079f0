"""What a scenario's tables mean to the protocol and to the simulated world."""

from __future__ import annotations

from chainsim.simulation import latency
from chainsim.simulation.latency import LatencyModel
from chainsim.simulation.settings import (
    CpuPrices,
    DiskSettings,
    NetworkSettings,
    WorldSettings,
)
from consensus.protocol import Parameters
from scenarios import schema
from scenarios.schema import Scenario


def parameters(scenario: Scenario) -> Parameters:
    """The protocol's tuning."""
    settings = scenario.consensus
    return Parameters(
        block_max_txs=settings.block_max_txs,
        block_interval_us=settings.block_interval,
        checkpoint_interval=settings.checkpoint_interval,
        window=settings.window,
        request_timeout_us=settings.request_timeout,
        view_change_timeout_us=settings.view_change_timeout,
        status_interval_us=settings.status_interval,
    )


def world_settings(scenario: Scenario) -> WorldSettings:
    """What the simulated machines and lines are like."""
    network = scenario.network
    return WorldSettings(
        seed=scenario.seed,
        network=NetworkSettings(
            latency=latency_model(network.latency),
            jitter_ppm=network.jitter,
            loss_ppm=network.loss,
            duplicate_ppm=network.duplicate,
            reorder_ppm=network.reorder,
            bandwidth_bps=network.bandwidth,
        ),
        cpu=CpuPrices(
            sign_us=scenario.cpu.sign,
            verify_us=scenario.cpu.verify,
            execute_us=scenario.cpu.execute,
        ),
        disk=DiskSettings(fsync_us=scenario.disk.fsync),
    )


def latency_model(setting: str | schema.Latency) -> LatencyModel:
    """The model that a scenario's ``network.latency`` names."""
    match setting:
        case str():
            return latency.city_matrix(setting)
        case schema.ConstantLatency(value=value):
            return latency.constant(value)
        case schema.UniformLatency(low=low, high=high):
            return latency.uniform(low, high)
        case schema.NormalLatency(mean=mean, deviation=deviation):
            return latency.normal(mean, deviation)
        case schema.LognormalLatency(median=median, p99=p99):
            return latency.lognormal(median, p99)
        case schema.ExponentialLatency(mean=mean, floor=floor):
            return latency.exponential(mean, floor)
