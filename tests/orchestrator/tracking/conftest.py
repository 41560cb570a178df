"""Fixtures of the tests against a W&B server."""

from tests.orchestrator.tracking.wandb_account import account as account
from tests.orchestrator.tracking.wandb_account import server as server
