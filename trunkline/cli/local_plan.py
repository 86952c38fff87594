"""``trunkline plan --local``: a folder's wishes against the platforms, without a server of ours."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from trunkline.adapters.accounts import AccountOptions, ProjectAccounts
from trunkline.adapters.credentials import Credentials
from trunkline.cli.exits import ExitCode
from trunkline.cli.names import absent
from trunkline.cli.plans import print_plan
from trunkline.cli.printing import PlanFormat
from trunkline.cli.progress import Progress
from trunkline.manifests import DirectoryTree, load
from trunkline.model.base import JsonObject
from trunkline.model.kinds.project import Environment
from trunkline.model.manifests import Manifests
from trunkline.model.plans import Plan
from trunkline.model.resolution import Wishlist, wishes
from trunkline.services import local_plans
from trunkline.settings import Settings, load_settings

PROGRESS_INTERVAL_S = 0.5


def plan_locally(
    path: str, environment: str, names: Sequence[str], *, style: PlanFormat, exit_code: bool
) -> ExitCode:
    """Plan a folder and print it. Raises Blocked for missing keys, InvalidManifests, NotFound."""
    logging.getLogger("trunkline").addHandler(logging.NullHandler())
    settings = load_settings()
    settings.require_providers()
    manifests = load(DirectoryTree(Path(path)))
    described = _environment(manifests, environment)
    wishlist = wishes(manifests)
    _require_known(wishlist, environment, names)
    made = asyncio.run(_observe_and_plan(settings, manifests, wishlist, described, names))
    return print_plan(made, style, exit_code=exit_code)


async def _observe_and_plan(
    settings: Settings,
    manifests: Manifests,
    wishlist: Wishlist,
    environment: Environment,
    names: Sequence[str],
) -> Plan:
    project: JsonObject = manifests.project.manifest.model_dump(mode="json")

    async def manifest(_project: str) -> JsonObject:
        return project

    options = AccountOptions(
        elevenlabs_url=settings.elevenlabs_base_url, twilio_url=settings.twilio_base_url
    )
    credentials = Credentials(first_project=wishlist.project)
    accounts = ProjectAccounts(options, credentials, manifest)
    try:
        planning = asyncio.create_task(
            local_plans.plan_locally(accounts, wishlist, environment, names)
        )
        with Progress(f"Planning {environment.name}") as progress:
            while not planning.done():
                await asyncio.wait({planning}, timeout=PROGRESS_INTERVAL_S)
                progress.show()
        return await planning
    finally:
        await accounts.close()


def _environment(manifests: Manifests, name: str) -> Environment:
    environments = manifests.project.manifest.spec.environments
    for environment in environments:
        if environment.name == name:
            return environment
    known = [environment.name for environment in environments]
    raise absent(f"There is no environment {name!r}", name, known)


def _require_known(wishlist: Wishlist, environment: str, names: Sequence[str]) -> None:
    agents = {wish.name for wish in wishlist.agents if wish.environment == environment}
    numbers = {wish.name for wish in wishlist.numbers if wish.environment == environment}
    for name in names:
        if name not in agents | numbers:
            message = f"There is no agent or number {name!r} in {environment}"
            raise absent(message, name, agents | numbers)
