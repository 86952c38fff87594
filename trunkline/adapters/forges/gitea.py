"""The dialect of Gitea and of Forgejo, which kept it.

Pull requests come newest first unless asked otherwise, a listing cannot be narrowed to a branch,
and only an administrator of the repository may ask what others may do there. Source:
https://docs.gitea.com/api
"""

from typing import Final

from trunkline.adapters.forges.repository import Dialect

GITEA: Final = Dialect(
    kind="gitea",
    title="Gitea",
    headers={"Accept": "application/json", "User-Agent": "trunkline"},
    page_size=("limit", 50),
)
API_PATH: Final = "/api/v1"
"""Where Gitea and Forgejo have their API."""
