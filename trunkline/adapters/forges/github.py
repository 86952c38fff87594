"""GitHub's dialect, of github.com and of GitHub Enterprise Server.

Source: https://docs.github.com/rest
"""

from typing import Final

from trunkline.adapters.forges.repository import Dialect

GITHUB: Final = Dialect(
    kind="github",
    title="GitHub",
    headers={
        "Accept": "application/vnd.github+json",
        "User-Agent": "trunkline",
        "X-GitHub-Api-Version": "2022-11-28",
    },
    page_size=("per_page", 100),
    newest_first=(("sort", "created"), ("direction", "desc")),
    finds_heads=True,
    issues_say_who_closed=True,
)
GITHUB_COM: Final = "github.com"
GITHUB_COM_API: Final = "https://api.github.com"
ENTERPRISE_PATH: Final = "/api/v3"
"""Where GitHub Enterprise Server has its API."""
