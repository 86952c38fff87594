"""Objects as GitHub's REST API shows them.

Source: https://docs.github.com/rest, the 2022-11-28 version and later. What this forge has no
notion of (stars, projects, reviews) is there with the value it has in a new repository.
"""

from __future__ import annotations

import base64

from simulators.forges.git import Difference
from simulators.forges.space import LEVELS, Space, state_of
from simulators.store import Json

PREFIX = "/api/v3"
USER_LINKS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}
REPOSITORY_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}
NOTHING_YET: Json = {
    "description": None,
    "homepage": None,
    "language": None,
    "license": None,
    "mirror_url": None,
    "size": 0,
    "forks": 0,
    "forks_count": 0,
    "stargazers_count": 0,
    "watchers": 0,
    "watchers_count": 0,
    "has_issues": True,
    "has_projects": True,
    "has_wiki": True,
    "has_pages": False,
    "has_downloads": True,
    "has_discussions": False,
    "archived": False,
    "disabled": False,
    "is_template": False,
    "allow_forking": True,
    "web_commit_signoff_required": False,
    "topics": [],
}
PERMISSIONS = {
    "pull": "read",
    "triage": "write",
    "push": "write",
    "maintain": "admin",
    "admin": "admin",
}


def node_id(kind: str, number: int) -> str:
    """An opaque id in the style of the GraphQL API."""
    return base64.b64encode(f"0{len(kind)}:{kind}{number}".encode()).decode()


class GitHubBodies:
    """Makes bodies of records."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self.api = space.url + PREFIX

    def user(self, login: str) -> Json:
        """A simple user."""
        user = self._space.user(login)
        name = user["login"]
        api = f"{self.api}/users/{name}"
        return {
            "login": name,
            "id": user["id"],
            "node_id": node_id("User", user["id"]),
            "avatar_url": f"{self._space.url}/avatars/u/{user['id']}?v=4",
            "gravatar_id": "",
            "url": api,
            "html_url": f"{self._space.url}/{name}",
            **{link: api + path for link, path in USER_LINKS.items()},
            "type": user["type"],
            "user_view_type": "public",
            "site_admin": False,
        }

    def own_user(self, login: str) -> Json:
        """The user as they see themselves."""
        user = self._space.user(login)
        return {
            **self.user(login),
            "name": user["name"],
            "company": None,
            "blog": "",
            "location": None,
            "email": user["email"],
            "notification_email": user["email"],
            "hireable": None,
            "bio": None,
            "twitter_username": None,
            "public_repos": 0,
            "public_gists": 0,
            "followers": 0,
            "following": 0,
            "created_at": user["created_at"],
            "updated_at": user["created_at"],
        }

    def repository(self, repository: Json, login: str | None = None) -> Json:
        """A repository; with a login also what that person may do."""
        name = repository["full_name"]
        api = f"{self.api}/repos/{name}"
        host = self._space.url.split("://", 1)[1]
        open_count = sum(pull["state"] == "open" for pull in self._space.pulls_of(repository))
        body: Json = {
            "id": repository["id"],
            "node_id": node_id("Repository", repository["id"]),
            "name": repository["name"],
            "full_name": name,
            "private": repository["private"],
            "owner": self.user(repository["owner"]),
            "html_url": f"{self._space.url}/{name}",
            "url": api,
            **{link: api + path for link, path in REPOSITORY_LINKS.items()},
            **NOTHING_YET,
            "fork": repository["parent"] is not None,
            "git_url": f"git://{host}/{name}.git",
            "ssh_url": f"git@{host}:{name}.git",
            "clone_url": f"{self._space.url}/{name}.git",
            "svn_url": f"{self._space.url}/{name}",
            "visibility": "private" if repository["private"] else "public",
            "open_issues": open_count,
            "open_issues_count": open_count,
            "default_branch": repository["default_branch"],
            "created_at": repository["created_at"],
            "updated_at": repository["pushed_at"],
            "pushed_at": repository["pushed_at"],
        }
        if login is not None:
            held = LEVELS.index(self._space.permission(repository, login))
            body["permissions"] = {
                name: held >= LEVELS.index(level) for name, level in PERMISSIONS.items()
            }
        return body

    def full_repository(self, repository: Json, login: str | None) -> Json:
        """What ``GET /repos/{owner}/{repo}`` answers."""
        body = self.repository(repository, login)
        return {**body, "subscribers_count": 0, "network_count": 0}

    def _side(self, full_name: str, branch: str, sha: str) -> Json:
        repository = self._space.repositories.get(full_name.casefold())
        owner = full_name.split("/", maxsplit=1)[0]
        return {
            "label": f"{owner}:{branch}",
            "ref": branch,
            "sha": sha,
            "user": self.user(owner),
            "repo": self.repository(repository) if repository else None,
        }

    def pull_row(self, pull: Json) -> Json:
        """A pull request as listings show it."""
        name, number = pull["repository"], pull["number"]
        api = f"{self.api}/repos/{name}"
        web = f"{self._space.url}/{name}/pull/{number}"
        links = {
            "self": f"{api}/pulls/{number}",
            "html": web,
            "issue": f"{api}/issues/{number}",
            "comments": f"{api}/issues/{number}/comments",
            "review_comments": f"{api}/pulls/{number}/comments",
            "review_comment": f"{api}/pulls/comments{{/number}}",
            "commits": f"{api}/pulls/{number}/commits",
            "statuses": f"{api}/statuses/{pull['head_sha']}",
        }
        return {
            "url": links["self"],
            "id": pull["id"],
            "node_id": node_id("PullRequest", pull["id"]),
            "html_url": web,
            "diff_url": f"{web}.diff",
            "patch_url": f"{web}.patch",
            "issue_url": links["issue"],
            "commits_url": links["commits"],
            "review_comments_url": links["review_comments"],
            "review_comment_url": links["review_comment"],
            "comments_url": links["comments"],
            "statuses_url": links["statuses"],
            "number": number,
            "state": pull["state"],
            "locked": False,
            "active_lock_reason": None,
            "title": pull["title"],
            "user": self.user(pull["author"]),
            "body": pull["body"] or None,
            "labels": [self.label(name, label) for label in pull["labels"]],
            "milestone": None,
            "assignee": None,
            "assignees": [],
            "requested_reviewers": [],
            "requested_teams": [],
            "created_at": pull["created_at"],
            "updated_at": pull["updated_at"],
            "closed_at": pull["closed_at"],
            "merged_at": pull["merged_at"],
            "merge_commit_sha": pull["merge_commit_sha"],
            "head": self._side(pull["head_repository"], pull["head_branch"], pull["head_sha"]),
            "base": self._side(name, pull["base_branch"], pull["base_sha"]),
            "_links": {rel: {"href": address} for rel, address in links.items()},
            "author_association": self.association(name, pull["author"]),
            "auto_merge": None,
            "draft": pull["draft"],
        }

    def pull(self, pull: Json, difference: Difference, *, mergeable: bool) -> Json:
        """A pull request by itself."""
        merged_by = pull["merged_by"]
        is_open = pull["state"] == "open"
        comments = len(self._space.comments_of(pull))
        return {
            **self.pull_row(pull),
            "merged": pull["merged_at"] is not None,
            "mergeable": mergeable if is_open else None,
            "rebaseable": mergeable if is_open else None,
            "mergeable_state": ("clean" if mergeable else "dirty") if is_open else "unknown",
            "merged_by": self.user(merged_by) if merged_by else None,
            "comments": comments,
            "review_comments": 0,
            "maintainer_can_modify": False,
            "commits": difference.commits,
            "additions": difference.additions,
            "deletions": difference.deletions,
            "changed_files": difference.files,
        }

    def association(self, full_name: str, login: str) -> str:
        """How somebody belongs to a repository."""
        repository = self._space.repository(full_name)
        if login.casefold() == repository["owner"].casefold():
            return "OWNER"
        return "COLLABORATOR" if login.casefold() in repository["collaborators"] else "NONE"

    def label(self, full_name: str, name: str) -> Json:
        """A label."""
        number = sum(name.encode())
        return {
            "id": number,
            "node_id": node_id("Label", number),
            "url": f"{self.api}/repos/{full_name}/labels/{name}",
            "name": name,
            "color": "ededed",
            "default": False,
            "description": None,
            "archived_at": None,
            "archived_by": None,
        }

    def issue(self, pull: Json) -> Json:
        """The issue a pull request is, as comment events show it."""
        row = self.pull_row(pull)
        kept = (
            "id node_id html_url number state locked active_lock_reason title user body labels"
            " milestone assignee assignees created_at updated_at closed_at author_association draft"
        )
        api = f"{self.api}/repos/{pull['repository']}/issues/{pull['number']}"
        return {
            **{name: row[name] for name in kept.split()},
            "url": api,
            "repository_url": f"{self.api}/repos/{pull['repository']}",
            "labels_url": f"{api}/labels{{/name}}",
            "comments_url": f"{api}/comments",
            "events_url": f"{api}/events",
            "timeline_url": f"{api}/timeline",
            "comments": len(self._space.comments_of(pull)),
            "performed_via_github_app": None,
            "state_reason": None,
            "reactions": self.reactions(api),
            "pull_request": {
                "url": row["url"],
                "html_url": row["html_url"],
                "diff_url": row["diff_url"],
                "patch_url": row["patch_url"],
                "merged_at": row["merged_at"],
            },
        }

    def closed_issue(self, pull: Json) -> Json:
        """The same when it is asked for, with who closed it, merged or not."""
        ends = [turn["by"] for turn in pull["turns"] if turn["type"] in ("close", "merge_pull")]
        by = ends[-1] if ends and pull["state"] == "closed" else None
        return {**self.issue(pull), "closed_by": self.user(by) if by else None}

    def reactions(self, api: str) -> Json:
        """That nobody reacted."""
        kinds = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")
        return {"url": f"{api}/reactions", "total_count": 0, **dict.fromkeys(kinds, 0)}

    def comment(self, comment: Json) -> Json:
        """A comment of a pull request."""
        name, number = comment["repository"], comment["id"]
        api = f"{self.api}/repos/{name}/issues"
        return {
            "url": f"{api}/comments/{number}",
            "html_url": f"{self._space.url}/{name}/pull/{comment['number']}#issuecomment-{number}",
            "issue_url": f"{api}/{comment['number']}",
            "id": number,
            "node_id": node_id("IssueComment", number),
            "user": self.user(comment["author"]),
            "created_at": comment["created_at"],
            "updated_at": comment["updated_at"],
            "author_association": self.association(name, comment["author"]),
            "body": comment["body"],
            "reactions": self.reactions(f"{api}/comments/{number}"),
            "performed_via_github_app": None,
        }

    def simple_status(self, status: Json) -> Json:
        """A status within the combined one."""
        return {
            "url": f"{self.api}/repos/{status['repository']}/statuses/{status['sha']}",
            "avatar_url": self.user(status["creator"])["avatar_url"],
            "id": status["id"],
            "node_id": node_id("StatusContext", status["id"]),
            "state": status["state"],
            "description": status["description"] or None,
            "target_url": status["target_url"] or None,
            "context": status["context"],
            "created_at": status["created_at"],
            "updated_at": status["created_at"],
        }

    def status(self, status: Json) -> Json:
        """A status by itself."""
        return {**self.simple_status(status), "creator": self.user(status["creator"])}

    def combined_status(self, repository: Json, sha: str) -> Json:
        """What all statuses of a commit come to."""
        newest = self._space.newest_statuses(repository, sha)
        api = f"{self.api}/repos/{repository['full_name']}/commits/{sha}"
        return {
            "state": state_of(newest),
            "statuses": [self.simple_status(status) for status in newest],
            "sha": sha,
            "total_count": len(newest),
            "repository": self.repository(repository),
            "commit_url": api,
            "url": f"{api}/status",
        }

    def permission(self, repository: Json, login: str) -> Json:
        """What a collaborator may do."""
        held = self._space.permission(repository, login)
        allowed = {
            name: LEVELS.index(held) >= LEVELS.index(level) for name, level in PERMISSIONS.items()
        }
        user = {**self.user(login), "permissions": allowed, "role_name": held}
        return {"permission": held, "role_name": held, "user": user}
