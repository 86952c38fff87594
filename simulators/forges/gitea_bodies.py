"""Objects as the REST API of Gitea and Forgejo shows them.

Source: the definitions of https://docs.gitea.com/api. What this forge has no notion of is there
with the value it has in a new repository.
"""

from __future__ import annotations

from simulators.forges.git import Bare, Difference
from simulators.forges.space import LEVELS, Space, state_of
from simulators.store import Json

PREFIX = "/api/v1"
EPOCH = "1970-01-01T00:00:00Z"
NOTHING_YET: Json = {
    "description": "",
    "empty": False,
    "template": False,
    "mirror": False,
    "size": 0,
    "language": "",
    "link": "",
    "website": "",
    "original_url": "",
    "stars_count": 0,
    "forks_count": 0,
    "watchers_count": 0,
    "release_counter": 0,
    "archived": False,
    "archived_at": EPOCH,
    "has_code": True,
    "has_issues": True,
    "has_wiki": True,
    "has_pull_requests": True,
    "has_projects": True,
    "projects_mode": "all",
    "has_releases": True,
    "has_packages": True,
    "has_actions": True,
    "ignore_whitespace_conflicts": False,
    "allow_merge_commits": True,
    "allow_rebase": True,
    "allow_rebase_explicit": True,
    "allow_squash_merge": True,
    "allow_fast_forward_only_merge": True,
    "allow_rebase_update": True,
    "allow_manual_merge": False,
    "autodetect_manual_merge": False,
    "default_delete_branch_after_merge": False,
    "default_merge_style": "merge",
    "default_allow_maintainer_edit": False,
    "avatar_url": "",
    "internal": False,
    "mirror_interval": "",
    "object_format_name": "sha1",
    "mirror_updated": "0001-01-01T00:00:00Z",
    "topics": [],
    "licenses": [],
}
DRAFT_MARKS = ("WIP:", "[WIP]")


class GiteaBodies:
    """Makes bodies of records."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self.api = space.url + PREFIX

    def user(self, login: str) -> Json:
        """A user; strangers see an address nobody reads."""
        user = self._space.user(login)
        name = user["login"]
        return {
            "id": user["id"],
            "login": name,
            "login_name": "",
            "source_id": 0,
            "full_name": user["name"],
            "email": f"{name}@noreply.localhost",
            "avatar_url": f"{self._space.url}/avatars/{user['id']}",
            "html_url": f"{self._space.url}/{name}",
            "language": "",
            "is_admin": False,
            "last_login": "0001-01-01T00:00:00Z",
            "created": user["created_at"],
            "restricted": False,
            "active": False,
            "prohibit_login": False,
            "location": "",
            "website": "",
            "description": "",
            "visibility": "public",
            "followers_count": 0,
            "following_count": 0,
            "starred_repos_count": 0,
            "username": name,
        }

    def repository(self, repository: Json, login: str | None = None) -> Json:
        """A repository, with what the person who asks may do."""
        name = repository["full_name"]
        host = self._space.url.split("://", 1)[1]
        held = LEVELS.index(self._space.permission(repository, login))
        parent = repository["parent"]
        return {
            "id": repository["id"],
            "owner": self.user(repository["owner"]),
            "name": repository["name"],
            "full_name": name,
            **NOTHING_YET,
            "private": repository["private"],
            "fork": parent is not None,
            "parent": self.repository(self._space.repository(parent)) if parent else None,
            "languages_url": f"{self.api}/repos/{name}/languages",
            "html_url": f"{self._space.url}/{name}",
            "url": f"{self.api}/repos/{name}",
            "ssh_url": f"git@{host}:{name}.git",
            "clone_url": f"{self._space.url}/{name}.git",
            "open_issues_count": 0,
            "open_pr_counter": sum(
                pull["state"] == "open" for pull in self._space.pulls_of(repository)
            ),
            "default_branch": repository["default_branch"],
            "created_at": repository["created_at"],
            "updated_at": repository["pushed_at"],
            "permissions": {
                "admin": held >= LEVELS.index("admin"),
                "push": held >= LEVELS.index("write"),
                "pull": held >= LEVELS.index("read"),
            },
            "internal_tracker": {
                "enable_time_tracker": True,
                "allow_only_contributors_to_track_time": True,
                "enable_issue_dependencies": True,
            },
            "repo_transfer": None,
        }

    def _side(self, full_name: str, branch: str, sha: str) -> Json:
        repository = self._space.repositories.get(full_name.casefold())
        return {
            "label": branch,
            "ref": branch,
            "sha": sha,
            "repo_id": repository["id"] if repository else 0,
            "repo": self.repository(repository) if repository else None,
        }

    def pull(self, pull: Json, difference: Difference, *, mergeable: bool) -> Json:
        """A pull request, the same in listings and by itself."""
        name, number = pull["repository"], pull["number"]
        web = f"{self._space.url}/{name}/pulls/{number}"
        merged_by = pull["merged_by"]
        repository = self._space.repository(name)
        bare = Bare(self._space.folder(repository))
        return {
            "id": pull["id"],
            "url": web,
            "number": number,
            "user": self.user(pull["author"]),
            "title": pull["title"],
            "body": pull["body"],
            "labels": [self.label(name, label) for label in pull["labels"]],
            "milestone": None,
            "assignee": None,
            "assignees": None,
            "requested_reviewers": [],
            "requested_reviewers_teams": [],
            "state": pull["state"],
            "draft": pull["draft"] or pull["title"].startswith(DRAFT_MARKS),
            "is_locked": False,
            "comments": len(self._space.comments_of(pull)),
            "review_comments": 0,
            "additions": difference.additions,
            "deletions": difference.deletions,
            "changed_files": difference.files,
            "html_url": web,
            "diff_url": f"{web}.diff",
            "patch_url": f"{web}.patch",
            "mergeable": mergeable,
            "merged": pull["merged_at"] is not None,
            "merged_at": pull["merged_at"],
            "merge_commit_sha": pull["merge_commit_sha"],
            "merged_by": self.user(merged_by) if merged_by else None,
            "allow_maintainer_edit": False,
            "base": self._side(name, pull["base_branch"], pull["base_sha"]),
            "head": self._side(pull["head_repository"], pull["head_branch"], pull["head_sha"]),
            "merge_base": bare.merge_base(pull["base_sha"], pull["head_sha"]),
            "due_date": None,
            "created_at": pull["created_at"],
            "updated_at": pull["updated_at"],
            "closed_at": pull["closed_at"],
            "pin_order": 0,
        }

    def label(self, full_name: str, name: str) -> Json:
        """A label."""
        number = sum(name.encode())
        return {
            "id": number,
            "name": name,
            "exclusive": False,
            "is_archived": False,
            "color": "ededed",
            "description": "",
            "url": f"{self.api}/repos/{full_name}/labels/{number}",
        }

    def issue(self, pull: Json) -> Json:
        """The issue a pull request is, as comment events show it."""
        name, number = pull["repository"], pull["number"]
        web = f"{self._space.url}/{name}/pulls/{number}"
        repository = self._space.repository(name)
        return {
            "id": pull["id"],
            "url": f"{self.api}/repos/{name}/issues/{number}",
            "html_url": web,
            "number": number,
            "user": self.user(pull["author"]),
            "original_author": "",
            "original_author_id": 0,
            "title": pull["title"],
            "body": pull["body"],
            "ref": "",
            "assets": [],
            "labels": [self.label(name, label) for label in pull["labels"]],
            "milestone": None,
            "assignee": None,
            "assignees": None,
            "state": pull["state"],
            "is_locked": False,
            "comments": len(self._space.comments_of(pull)),
            "created_at": pull["created_at"],
            "updated_at": pull["updated_at"],
            "closed_at": pull["closed_at"],
            "due_date": None,
            "pull_request": {
                "merged": pull["merged_at"] is not None,
                "merged_at": pull["merged_at"],
                "draft": pull["draft"],
                "html_url": web,
            },
            "repository": {
                "id": repository["id"],
                "name": repository["name"],
                "owner": repository["owner"],
                "full_name": name,
            },
            "pin_order": 0,
        }

    def comment(self, comment: Json) -> Json:
        """A comment of a pull request."""
        web = f"{self._space.url}/{comment['repository']}/pulls/{comment['number']}"
        return {
            "id": comment["id"],
            "html_url": f"{web}#issuecomment-{comment['id']}",
            "pull_request_url": web,
            "issue_url": "",
            "user": self.user(comment["author"]),
            "original_author": "",
            "original_author_id": 0,
            "body": comment["body"],
            "assets": [],
            "created_at": comment["created_at"],
            "updated_at": comment["updated_at"],
        }

    def timeline(self, pull: Json) -> list[Json]:
        """Comments of a pull request, and what was done to it, oldest first."""
        said = [
            {**self.comment(comment), "type": "comment"}
            for comment in self._space.comments_of(pull)
        ]
        done = [
            {
                "id": turn["id"],
                "type": turn["type"],
                "user": self.user(turn["by"]),
                "body": "",
                "created_at": turn["at"],
                "updated_at": turn["at"],
            }
            for turn in pull["turns"]
        ]
        return sorted([*said, *done], key=lambda each: int(each["id"]))

    def status(self, status: Json) -> Json:
        """A status; its state is called ``status`` here."""
        return {
            "id": status["id"],
            "status": status["state"],
            "target_url": status["target_url"],
            "description": status["description"],
            "url": f"{self.api}/repos/{status['repository']}/statuses/{status['sha']}",
            "context": status["context"],
            "creator": self.user(status["creator"]),
            "created_at": status["created_at"],
            "updated_at": status["created_at"],
        }

    def combined_status(self, repository: Json, sha: str) -> Json:
        """What all statuses of a commit come to."""
        newest = self._space.newest_statuses(repository, sha)
        api = f"{self.api}/repos/{repository['full_name']}/commits/{sha}"
        return {
            "state": state_of(newest),
            "sha": sha,
            "total_count": len(newest),
            "statuses": [self.status(status) for status in newest],
            "repository": self.repository(repository),
            "commit_url": api,
            "url": f"{api}/status",
        }

    def permission(self, repository: Json, login: str) -> Json:
        """What a collaborator may do; the owner is called so."""
        held = self._space.permission(repository, login)
        name = "owner" if login.casefold() == repository["owner"].casefold() else held
        return {"permission": name, "role_name": name, "user": self.user(login)}
