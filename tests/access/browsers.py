"""A browser as far as signing in needs one: cookies, redirects, and headers nobody else can set."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from urllib.parse import urljoin

import httpx

from trunkline.adapters.postgres import PostgresStore
from trunkline.services.catalogue import Services


@dataclass(frozen=True, slots=True)
class Place:
    """A server on a socket, and what is behind it."""

    url: str
    services: Services
    store: PostgresStore


@dataclass
class Browser:
    """Follows redirects as a browser does; a person types who they are at the provider."""

    place: Place
    client: httpx.AsyncClient
    hops: list[str] = field(default_factory=list)

    async def sign_in(self, sub: str, path: str = "/v1/sign-in") -> httpx.Response:
        """From the link to the page after it, or to where it ends."""
        return await self.follow(await self.at_provider(sub, path))

    async def at_provider(self, sub: str, path: str = "/v1/sign-in") -> httpx.Response:
        """As far as the provider's answer to the person, which sends the browser back."""
        begun = await self.client.get(self.place.url + path)
        assert begun.status_code == 302, begun.text
        return await self.client.post(begun.headers["location"], data={"sub": sub})

    async def follow(self, answer: httpx.Response) -> httpx.Response:
        """Until no redirect comes."""
        while answer.is_redirect:
            here = urljoin(str(answer.url), answer.headers["location"])
            self.hops.append(here)
            answer = await self.client.get(here)
        return answer

    async def write(self, path: str, **headers: str) -> httpx.Response:
        """A POST as a page of some origin makes it."""
        return await self.client.post(self.place.url + path, headers=headers, json={})


Serve = Callable[..., AbstractAsyncContextManager[Place]]
